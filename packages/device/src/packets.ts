// The convenient side of a device: packets one by one, in memory of their own. For tools and tests; where throughput
// counts, read and write whole bursts.
import { SLOT_BIG_BYTES, SLOT_HEADROOM_BYTES, PACKET_MAX_BYTES } from "@bunnel/abi";
import type { AsyncTunDevice } from "./device.ts";
import { DeviceError } from "./errors.ts";

/** Packets that are fetched in one go. */
const BURST = 16;
/** One slot more, for the packet that is sent. */
const SLOTS = BURST + 1;

/**
 * Owns the memory of a device: attach no other while it is in use. A device has one reader.
 */
export class PacketPort implements AsyncIterable<Uint8Array> {
  readonly #octets = new Uint8Array(SLOTS * SLOT_BIG_BYTES);
  readonly #list = { at: new Uint32Array(BURST), lengths: new Uint16Array(BURST) };
  readonly #sending = { at: new Uint32Array(1), lengths: new Uint16Array(1) };
  #count = 0;
  #next = 0;

  /** @throws DeviceError E_UNSUPPORTED for a device with virtio headers: its packets are not whole by themselves */
  constructor(readonly device: AsyncTunDevice) {
    if (device.capabilities.vnetHeader) {
      const expected = "expected a device without offload, found one with virtio headers";
      throw new DeviceError("E_UNSUPPORTED", `packets one by one of ${device.name}: ${expected}`);
    }
    for (let i = 0; i < BURST; i++) this.#list.at[i] = i * SLOT_BIG_BYTES + SLOT_HEADROOM_BYTES;
    this.#sending.at[0] = BURST * SLOT_BIG_BYTES + SLOT_HEADROOM_BYTES;
    device.attach(this.#octets.buffer);
  }

  /**
   * The next packet if one waits, in a buffer of its own.
   * @throws DeviceError E_DEVICE_GONE when the device is closed or deleted
   */
  tryRead(): Uint8Array | undefined {
    if (this.#next === this.#count) {
      this.#next = 0;
      this.#count = 0;
      this.#count = this.device.read(this.#list, 0, PACKET_MAX_BYTES);
      if (this.#count === 0) return undefined;
    }
    const i = this.#next++;
    const at = this.#list.at[i] ?? 0;
    return this.#octets.slice(at, at + (this.#list.lengths[i] ?? 0));
  }

  /**
   * The next packet, waited for without blocking the thread.
   * @throws DeviceError E_DEVICE_GONE when the device is closed or deleted, also while it waits
   */
  async read(): Promise<Uint8Array> {
    for (;;) {
      const packet = this.tryRead();
      if (packet) return packet;
      await this.device.whenReadable();
    }
  }

  /**
   * Sends one packet. False: the system's queue is full; nothing was sent.
   * @throws DeviceError E_DEVICE_OPTION when it is longer than a packet can be, E_DEVICE_GONE
   */
  write(packet: Uint8Array): boolean {
    if (packet.length > PACKET_MAX_BYTES) {
      const found = `expected at most ${PACKET_MAX_BYTES} octets, found ${packet.length}`;
      throw new DeviceError("E_DEVICE_OPTION", `packet: ${found}`);
    }
    this.#octets.set(packet, this.#sending.at[0]);
    this.#sending.lengths[0] = packet.length;
    return this.device.write(this.#sending, 0, 1) === 1;
  }

  /** Packets until the device is closed or deleted; then the loop just ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const packet = await this.#readUnlessGone();
      if (!packet) return;
      yield packet;
    }
  }

  async #readUnlessGone(): Promise<Uint8Array | undefined> {
    try {
      return await this.read();
    } catch (error) {
      if (error instanceof DeviceError && error.code === "E_DEVICE_GONE") return undefined;
      throw error;
    }
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
export function readPackets(device: AsyncTunDevice): AsyncIterable<Uint8Array> {
  return portOf(device);
}

/** Sends one packet; false: the system's queue is full, nothing was sent. */
export function sendPacket(device: AsyncTunDevice, packet: Uint8Array): boolean {
  return portOf(device).write(packet);
}
