// A device around another one: everything goes through, and a subclass steps in where packets pass.
import type { DeviceCapabilities } from "../capabilities.ts";
import { headerBytesOf } from "../capabilities.ts";
import type { AsyncTunDevice, DeviceHandOver, PacketList, Wake } from "../device.ts";
import { DeviceError } from "../errors.ts";

/**
 * What no wrapper can do: be handed to another thread (what it does with packets is a function of this one), and read
 * or write in pieces (it looks at packets where they lie in the attached memory).
 */
export abstract class DeviceWrapper implements AsyncTunDevice {
  readonly capabilities: DeviceCapabilities;
  /** Octets that stand before each packet. */
  protected readonly headerBytes: number;
  /** The attached memory. */
  protected memory: Uint8Array = new Uint8Array(0);

  /** @param title what it is called in errors: "a tracer" */
  constructor(
    readonly inner: AsyncTunDevice,
    private readonly title: string,
  ) {
    this.capabilities = { ...inner.capabilities, transferable: false, vectored: false };
    this.headerBytes = headerBytesOf(inner.capabilities);
  }

  get name(): string {
    return this.inner.name;
  }

  get index(): number {
    return this.inner.index;
  }

  get refused(): number {
    return this.inner.refused;
  }

  attach(memory: ArrayBufferLike): void {
    this.inner.attach(memory);
    this.memory = new Uint8Array(memory);
  }

  abstract read(list: PacketList, from: number, maxBytes: number): number;

  abstract write(list: PacketList, from: number, to: number): number;

  wait(timeoutMs: number): Wake {
    return this.inner.wait(timeoutMs);
  }

  wake(): void {
    this.inner.wake();
  }

  whenReadable(signal?: AbortSignal): Promise<void> {
    return this.inner.whenReadable(signal);
  }

  whenWritable(signal?: AbortSignal): Promise<void> {
    return this.inner.whenWritable(signal);
  }

  /** @throws DeviceError E_UNSUPPORTED, or E_DEVICE_GONE when the device is closed */
  handOver(): DeviceHandOver {
    this.inner.handOver();
    throw new DeviceError(
      "E_UNSUPPORTED",
      `hand-over of ${this.name}: expected the device itself, found ${this.title}`,
    );
  }

  /** Closes the device inside, too. */
  close(): void {
    this.inner.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.inner[Symbol.asyncDispose]();
  }

  /** Packet i of a list where it lies, without what stands before it. */
  protected packetAt({ at, lengths }: PacketList, i: number): Uint8Array {
    const start = at[i] ?? 0;
    return this.memory.subarray(start, start + (lengths[i] ?? 0));
  }
}
