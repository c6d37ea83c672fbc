// The convenient side of a device: packets one by one, in memory of their own. For tools and tests; where throughput
// counts, read and write whole bursts.
//
// Where the device has packet information, its four octets are the first of each packet here.
import { SLOT_BIG_BYTES, SLOT_HEADROOM_BYTES, PACKET_MAX_BYTES } from "@bunnel/abi";
import { headerBytesOf } from "./capabilities.ts";
import { Wake, type AsyncTunDevice } from "./device.ts";
import { DeviceError } from "./errors.ts";
import { gather, scatter } from "./pieces.ts";

/** Packets that are fetched in one go. */
const BURST = 16;
/** One slot more, for the packet that is sent. */
const SLOTS = BURST + 1;

/** How a wait can be ended. */
export interface WaitOptions {
  /** Ends the wait: the promise is rejected with the signal's reason, and no packet is lost. */
  readonly signal?: AbortSignal;
}

/**
 * Owns the memory of a device: attach no other while it is in use. Several reads may be under way; each packet goes to
 * one of them.
 */
export class PacketPort implements AsyncIterable<Uint8Array> {
  readonly #octets = new Uint8Array(SLOTS * SLOT_BIG_BYTES);
  readonly #list = { at: new Uint32Array(BURST), lengths: new Uint16Array(BURST) };
  readonly #sending = { at: new Uint32Array(1), lengths: new Uint16Array(1) };
  /** Octets before each packet that belong to it here. */
  readonly #header: number;
  #count = 0;
  #next = 0;

  /** @throws DeviceError E_UNSUPPORTED for a device with virtio headers: its packets are not whole by themselves */
  constructor(readonly device: AsyncTunDevice) {
    if (device.capabilities.vnetHeader) {
      const expected = "expected a device without offload, found one with virtio headers";
      throw new DeviceError("E_UNSUPPORTED", `packets one by one of ${device.name}: ${expected}`);
    }
    this.#header = headerBytesOf(device.capabilities);
    for (let i = 0; i < BURST; i++) this.#list.at[i] = i * SLOT_BIG_BYTES + SLOT_HEADROOM_BYTES;
    this.#sending.at[0] = BURST * SLOT_BIG_BYTES + SLOT_HEADROOM_BYTES;
    device.attach(this.#octets.buffer);
  }

  /**
   * The next packet if one waits, in a buffer of its own.
   * @throws DeviceError E_DEVICE_GONE when the device is closed or deleted
   */
  tryRead(): Uint8Array | undefined {
    return this.#takeNext()?.slice();
  }

  /** The next packet if one waits, spread over `parts`: its octets, cut to their room; -1: none waits. */
  tryReadv(parts: readonly Uint8Array[]): number {
    const packet = this.#takeNext();
    return packet ? scatter(packet, parts) : -1;
  }

  /**
   * The next packet, waited for without blocking the thread.
   * @throws DeviceError E_DEVICE_GONE when the device is closed or deleted, also while it waits; the signal's reason
   */
  async read({ signal }: WaitOptions = {}): Promise<Uint8Array> {
    for (;;) {
      signal?.throwIfAborted();
      const packet = this.tryRead();
      if (packet) return packet;
      await this.device.whenReadable(signal);
    }
  }

  /** The next packet spread over `parts`, waited for. Errors as for `read`. */
  async readv(parts: readonly Uint8Array[], { signal }: WaitOptions = {}): Promise<number> {
    for (;;) {
      signal?.throwIfAborted();
      const bytes = this.tryReadv(parts);
      if (bytes >= 0) return bytes;
      await this.device.whenReadable(signal);
    }
  }

  /**
   * The next packet, waited for by blocking the thread, at most `timeoutMs` (-1: for ever). Undefined: the time is
   * over, or somebody called the device's `wake`.
   * @throws DeviceError E_DEVICE_GONE when the device is closed or deleted, also while it waits
   */
  readSync(timeoutMs = -1): Uint8Array | undefined {
    const end = timeoutMs > 0 ? performance.now() + timeoutMs : 0;
    for (;;) {
      const packet = this.tryRead();
      if (packet) return packet;
      const leftMs = timeoutMs > 0 ? Math.max(0, Math.ceil(end - performance.now())) : timeoutMs;
      const wake = this.device.wait(leftMs);
      if (wake === Wake.Woken) return undefined;
      if (wake === Wake.Timeout) return this.tryRead();
    }
  }

  /**
   * Sends one packet. False: the system's queue is full; nothing was sent.
   * @throws DeviceError E_DEVICE_OPTION when it is longer than a packet can be, E_DEVICE_GONE
   */
  write(packet: Uint8Array): boolean {
    if (!(packet instanceof Uint8Array)) {
      throw new DeviceError("E_DEVICE_OPTION", `packet: expected a Uint8Array, found ${typeof packet}`);
    }
    const found = packet.length - this.#header;
    if (found > PACKET_MAX_BYTES || found < 0) {
      const expected = `expected ${this.#header} to ${this.#header + PACKET_MAX_BYTES} octets`;
      throw new DeviceError("E_DEVICE_OPTION", `packet: ${expected}, found ${packet.length}`);
    }
    const [at = 0] = this.#sending.at;
    this.#octets.set(packet, at - this.#header);
    this.#sending.lengths[0] = found;
    return this.device.write(this.#sending, 0, 1) === 1;
  }

  /** Sends what `parts` are together, as one packet. Errors and answer as for `write`. */
  writev(parts: readonly Uint8Array[]): boolean {
    return this.write(gather(parts));
  }

  /**
   * Sends one packet; where the queue is full it waits for room without blocking the thread.
   * @throws DeviceError as for `write`, the signal's reason
   */
  async send(packet: Uint8Array, { signal }: WaitOptions = {}): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.write(packet)) return;
      await this.device.whenWritable(signal);
    }
  }

  /** Packets until the device is closed or deleted, or the signal is aborted; then the loop just ends. */
  async *packets({ signal }: WaitOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const packet = await this.#readUnlessOver(signal);
      if (!packet) return;
      yield packet;
    }
  }

  /** The same as `packets()`. */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    return this.packets();
  }

  async #readUnlessOver(signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    try {
      return await this.read(signal ? { signal } : {});
    } catch (error) {
      if (signal?.aborted || (error instanceof DeviceError && error.code === "E_DEVICE_GONE")) return undefined;
      throw error;
    }
  }

  /** The next packet where it lies: good until the next call. */
  #takeNext(): Uint8Array | undefined {
    if (this.#next === this.#count) {
      this.#next = 0;
      this.#count = 0;
      this.#count = this.device.read(this.#list, 0, PACKET_MAX_BYTES);
      if (this.#count === 0) return undefined;
    }
    const i = this.#next++;
    const at = this.#list.at[i] ?? 0;
    return this.#octets.subarray(at - this.#header, at + (this.#list.lengths[i] ?? 0));
  }
}

const ports = new WeakMap<AsyncTunDevice, PacketPort>();

function portOf(device: AsyncTunDevice): PacketPort {
  let port = ports.get(device);
  if (!port) {
    port = new PacketPort(device);
    ports.set(device, port);
  }
  return port;
}

/** Packets of a device, each in its own buffer, until it is closed or deleted. The device gets a memory attached. */
export function readPackets(device: AsyncTunDevice, options: WaitOptions = {}): AsyncIterable<Uint8Array> {
  return portOf(device).packets(options);
}

/** Sends one packet; false: the system's queue is full, nothing was sent. */
export function sendPacket(device: AsyncTunDevice, packet: Uint8Array): boolean {
  return portOf(device).write(packet);
}
