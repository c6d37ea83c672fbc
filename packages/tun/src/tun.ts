// A TUN or TAP device for people: packets come out of a loop and go in by a call.
//
// Bun's event loop cannot watch a TUN descriptor. On Linux one Worker per thread sleeps in poll(2) for all devices and
// tells when there is something to read: the event loop goes on, and while nothing comes no processor time is used.
import {
  checkFeature,
  DeviceError,
  PacketPort,
  streamsOf,
  type DescriptorOptions,
  type DeviceCapabilities,
  type DeviceChange,
  type DeviceHandOver,
  type DeviceOptions,
  type DeviceState,
  type PacketStreams,
  type SystemDevice,
  type WaitOptions,
} from "@bunnel/device";
import { deviceEvents, type DeviceEvent } from "./device-events.ts";
import { driver } from "./driver.ts";
import { Interface } from "./interface.ts";

/**
 * A device of IP packets or Ethernet frames: a loop or a call reads them one by one, a call writes them.
 *
 * What is said of packets holds for the frames of a TAP device, too. With packet information, its four octets are the
 * first of each packet here. Calls for packets throw DeviceError: E_DEVICE_GONE when the device is closed or deleted,
 * also while they wait; E_UNSUPPORTED for a device that was opened with offload, whose packets come by `device`.
 */
export class Tun implements AsyncIterable<Uint8Array>, Disposable, AsyncDisposable {
  /** The device itself: bursts, a Worker of your own, offload. Use either it or this class's calls for packets. */
  readonly device: SystemDevice;
  #interface: Interface | undefined;
  #port: PacketPort | undefined;
  #streams: PacketStreams | undefined;

  constructor(device: SystemDevice) {
    this.device = device;
    // A descriptor from elsewhere may have no interface that can be seen from here.
    this.#interface = device.index === 0 ? undefined : Interface.ofDevice(device);
  }

  /**
   * The interface that the system shows: state, addresses, counters. It speaks to the network in which this was opened.
   * @throws DeviceError E_DEVICE_GONE when there is none that can be seen from here
   */
  get interface(): Interface {
    return (this.#interface ??= Interface.ofDevice(this.device));
  }

  /** The name that the system shows now. */
  get name(): string {
    return this.device.name;
  }

  get index(): number {
    return this.device.index;
  }

  get capabilities(): DeviceCapabilities {
    return this.device.capabilities;
  }

  /**
   * The descriptor, for whoever polls or passes it on; it stays this device's. -1 when the device is closed.
   * @throws DeviceError E_UNSUPPORTED for a driver whose devices have none
   */
  get fd(): number {
    return this.device.fd ?? this.#without("a descriptor");
  }

  /** What the system leaves to whoever reads `device`: "checksum", "tcp4"… Empty without offload. */
  get offloads(): readonly string[] {
    return this.device.offloads ?? [];
  }

  /** The next packet, in a buffer of its own. Waits without blocking the event loop; a signal ends the wait. */
  read(options?: WaitOptions): Promise<Uint8Array> {
    return this.#packets().read(options);
  }

  /** The next packet if one waits. */
  tryRead(): Uint8Array | undefined {
    return this.#packets().tryRead();
  }

  /** The next packet; blocks the thread, at most `timeoutMs` (-1: for ever). Undefined: the time is over, or `wake`. */
  readSync(timeoutMs = -1): Uint8Array | undefined {
    return this.#packets().readSync(timeoutMs);
  }

  /** The next packet spread over `parts`; gives its octets, cut to their room. */
  readv(parts: readonly Uint8Array[], options?: WaitOptions): Promise<number> {
    return this.#packets().readv(parts, options);
  }

  /** The same if a packet waits; -1: none does. */
  tryReadv(parts: readonly Uint8Array[]): number {
    return this.#packets().tryReadv(parts);
  }

  /**
   * Gives the system a packet, as if it had come in by this interface. False: the system's queue is full, nothing was
   * sent. What the system refuses as malformed is counted in `device.refused`.
   */
  write(packet: Uint8Array): boolean {
    return this.#packets().write(packet);
  }

  /** Gives the system what `parts` are together, as one packet. */
  writev(parts: readonly Uint8Array[]): boolean {
    return this.#packets().writev(parts);
  }

  /** The same as `write`, and waits for room where the queue is full. A signal ends the wait. */
  send(packet: Uint8Array, options?: WaitOptions): Promise<void> {
    return this.#packets().send(packet, options);
  }

  /** Packets until the device is closed or deleted, or the signal is aborted. */
  packets(options?: WaitOptions): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#packets().packets(options);
  }

  /** The same as `packets()`. */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    return this.packets();
  }

  /** Packets as a stream, for pipes; the same one at each call. */
  get readable(): ReadableStream<Uint8Array> {
    return this.#pipes().readable;
  }

  get writable(): WritableStream<Uint8Array> {
    return this.#pipes().writable;
  }

  /** Ends a `readSync` that blocks another thread, or the next one. */
  wake(): void {
    this.device.wake();
  }

  /**
   * Changes the device itself: persistence, owner, carrier, queue, hardware address…
   * @throws DeviceError E_UNSUPPORTED naming the platform for what it cannot, E_DEVICE_OPTION, E_DEVICE_STATE
   */
  set(change: DeviceChange): void {
    this.device.set(change);
  }

  /** What is so about the device now. */
  state(): DeviceState {
    return this.device.state();
  }

  /** Up, down, carrier, MTU, name, addresses, deletion: what happens to the interface from now on. */
  events(options: WaitOptions = {}): AsyncGenerator<DeviceEvent, void, undefined> {
    return deviceEvents(this.device, options);
  }

  /**
   * A further queue of a device that was opened with `multiQueue`; the system spreads flows over the queues.
   * @throws DeviceError E_UNSUPPORTED naming the platform, E_DEVICE_STATE for a device of one queue
   */
  openQueue(): Tun {
    checkFeature(driver().capabilities, "queues");
    return closedUnless(driver().openQueue(this.device), (device) => new Tun(device));
  }

  /**
   * What another thread of this process needs to use the same device, to be posted to it; `openTransferred` takes it
   * there. It borrows: on Linux `close` here is the end there, too; elsewhere stop the other thread first.
   * @throws DeviceError E_DEVICE_GONE when the device is closed
   */
  handOver(): DeviceHandOver {
    return this.device.handOver();
  }

  /**
   * Gives the descriptor away: it is the caller's from now on, non-blocking as it is, and the device here is closed.
   * @throws DeviceError E_UNSUPPORTED for a driver that cannot, E_DEVICE_STATE when the descriptor is somebody else's
   */
  release(): number {
    const descriptor = this.device.release?.() ?? this.#without("a descriptor to give away");
    this.#interface?.close();
    return descriptor;
  }

  /**
   * Closes it. Unless it is persistent the interface goes, its addresses and routes with it. A second call does
   * nothing.
   */
  close(): void {
    this.device.close();
    this.#interface?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The same as `close`; resolves when every wait that was under way has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#interface?.close();
    await this.device[Symbol.asyncDispose]();
  }

  #without(what: string): never {
    const { driver: found } = this.capabilities;
    throw new DeviceError("E_UNSUPPORTED", `device ${this.name}: expected one with ${what}, found driver "${found}"`);
  }

  #packets(): PacketPort {
    this.#port ??= new PacketPort(this.device);
    return this.#port;
  }

  #pipes(): PacketStreams {
    this.#streams ??= streamsOf(this.#packets());
    return this.#streams;
  }
}

/**
 * Makes a TUN interface with the driver of this machine.
 * @throws DeviceError E_UNSUPPORTED naming the platform where there is no driver, or none that has an option;
 * E_DEVICE_MISSING, E_DEVICE_DENIED, E_DEVICE_BUSY, E_DEVICE_GONE, E_DEVICE_OPTION or E_DEVICE_SYSTEM as it says
 */
export function openTun(options: DeviceOptions = {}): Tun {
  return closedUnless(driver().open(options), (device) => new Tun(device));
}

/** Makes a TAP interface, which carries Ethernet frames. Errors as for `openTun`. */
export function openTap(options: Omit<DeviceOptions, "medium"> = {}): Tun {
  return openTun({ ...options, medium: "ethernet" });
}

/**
 * A device from a descriptor that somebody else opened: inherited, received over a socket, or given by the system.
 * @throws DeviceError E_UNSUPPORTED naming the platform, E_DEVICE_OPTION, E_DEVICE_GONE
 */
export function fromDescriptor(descriptor: number, options: DescriptorOptions): Tun {
  checkFeature(driver().capabilities, "descriptors");
  return closedUnless(driver().openDescriptor(descriptor, options), (device) => new Tun(device));
}

/**
 * The device of another thread, from `handOver()`: in a Worker that shall read and write its packets.
 * @throws DeviceError E_DEVICE_OPTION when it is another driver's, E_UNSUPPORTED naming the platform
 */
export function openTransferred(handOver: DeviceHandOver): Tun {
  return closedUnless(driver().openTransferred(handOver), (device) => new Tun(device));
}

function closedUnless(device: SystemDevice, make: (device: SystemDevice) => Tun): Tun {
  try {
    return make(device);
  } catch (error) {
    device.close();
    throw error;
  }
}
