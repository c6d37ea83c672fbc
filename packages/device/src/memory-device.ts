// A device without a system behind it: two bounded queues in memory. For tests, for simulations, and wherever two parts
// of a program speak IP to each other. It can be handed to a Worker like any other device.
import { PACKET_MAX_BYTES, RX_MAX } from "@bunnel/abi";
import { headerBytesOf, type DeviceCapabilities } from "./capabilities.ts";
import { Wake, type AsyncTunDevice, type DeviceHandOver, type PacketList, type VectoredTunDevice } from "./device.ts";
import { DeviceError } from "./errors.ts";
import type { Medium } from "./options.ts";
import { PacketRing } from "./packet-ring.ts";
import { gather, scatter } from "./pieces.ts";

const DRIVER = "memory";
const QUEUE_DEFAULT_BYTES = 1 << 20;
const ETHERNET_HEADER_BYTES = 14;

/** How a device in memory is made. */
export interface MemoryDeviceOptions {
  /** Default "memory0". */
  readonly name?: string;
  /** Default "ip". */
  readonly medium?: Medium;
  /** Packets carry a virtio_net_hdr. Default false. */
  readonly vnetHeader?: boolean;
  /** Octets that each direction keeps, with up to seven for the record of each packet. Default 1 MiB. */
  readonly queueBytes?: number;
}

interface Parts {
  readonly name: string;
  readonly medium: Medium;
  readonly vnetHeader: boolean;
  /** Packets that `read` gives. */
  readonly inbound: PacketRing;
  /** Packets that `write` took. */
  readonly outbound: PacketRing;
}

export class MemoryDevice implements AsyncTunDevice, VectoredTunDevice {
  readonly name: string;
  readonly index = 0;
  readonly capabilities: DeviceCapabilities;

  readonly #inbound: PacketRing;
  readonly #outbound: PacketRing;
  readonly #header: number;
  #memory: Uint8Array | undefined;
  #refused = 0;
  #dropped = 0;
  #open = true;
  /** The room event before the write that found no room; undefined: the last write found some. */
  #fullSince: number | undefined;

  private constructor(parts: Parts) {
    this.name = parts.name;
    this.#inbound = parts.inbound;
    this.#outbound = parts.outbound;
    this.capabilities = {
      driver: DRIVER,
      medium: parts.medium,
      vnetHeader: parts.vnetHeader,
      burst: RX_MAX,
      events: false,
      transferable: true,
      vectored: true,
    };
    this.#header = headerBytesOf(this.capabilities);
  }

  /** A device whose other side is `inject` and `take`. */
  static open(options: MemoryDeviceOptions = {}): MemoryDevice {
    const { name = "memory0", medium = "ip", vnetHeader = false, queueBytes = QUEUE_DEFAULT_BYTES } = options;
    const inbound = PacketRing.create(queueBytes);
    return new MemoryDevice({ name, medium, vnetHeader, inbound, outbound: PacketRing.create(queueBytes) });
  }

  /** Two devices: what one writes, the other reads. */
  static pair(options: MemoryDeviceOptions = {}): [MemoryDevice, MemoryDevice] {
    const { name = "memory", medium = "ip", vnetHeader = false, queueBytes = QUEUE_DEFAULT_BYTES } = options;
    const here = PacketRing.create(queueBytes);
    const there = PacketRing.create(queueBytes);
    return [
      new MemoryDevice({ name: `${name}0`, medium, vnetHeader, inbound: here, outbound: there }),
      new MemoryDevice({ name: `${name}1`, medium, vnetHeader, inbound: there, outbound: here }),
    ];
  }

  /**
   * The same device in another thread, from `handOver()`. Each direction has one reader and one writer: after the
   * hand-over the first thread keeps `inject`, `take`, `wake` and `close`, the second does the rest.
   * @throws DeviceError E_DEVICE_OPTION when the hand-over is another driver's
   */
  static openTransferred(handOver: DeviceHandOver): MemoryDevice {
    const { driver, name, medium, vnetHeader, inbound, outbound } = handOver;
    const whole = inbound instanceof SharedArrayBuffer && outbound instanceof SharedArrayBuffer;
    if (driver !== DRIVER || typeof name !== "string" || !whole) {
      throw new DeviceError("E_DEVICE_OPTION", `hand-over: expected one of driver "memory", found "${driver}"`);
    }
    return new MemoryDevice({
      name,
      medium: medium === "ethernet" ? "ethernet" : "ip",
      vnetHeader: vnetHeader === true,
      inbound: new PacketRing(inbound),
      outbound: new PacketRing(outbound),
    });
  }

  /** Packets of neither IP version, or without an Ethernet header, as the medium asks. */
  get refused(): number {
    return this.#refused;
  }

  /** Packets that `inject` had no room for, and such that were written to a peer that is closed. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Gives the device a packet to read, as the system would. Where the queue is full, or the device is closed, it is
   * dropped and counted, and the answer is false.
   * @param header its virtio_net_hdr, for a device that has one. Default: zeros, a whole packet.
   */
  inject(packet: Uint8Array, header?: Uint8Array): boolean {
    if (this.#inbound.push(this.#record(packet, header))) return true;
    this.#dropped++;
    return false;
  }

  /** The next packet that the device wrote, without virtio header; undefined when there is none. */
  take(): Uint8Array | undefined {
    return this.takeWithHeader()?.slice(this.#header);
  }

  /** The same with its virtio header before it, for a device that has one. */
  takeWithHeader(): Uint8Array | undefined {
    const bytes = this.#outbound.peek();
    if (bytes < 0) return undefined;
    const packet = new Uint8Array(bytes);
    this.#outbound.pop(packet, 0, bytes);
    return packet;
  }

  attach(memory: ArrayBufferLike): void {
    this.#mustBeOpen();
    this.#memory = new Uint8Array(memory);
  }

  read(list: PacketList, from: number, maxBytes: number): number {
    const memory = this.#ready();
    const { at, lengths } = list;
    const room = Math.min(maxBytes, PACKET_MAX_BYTES) + this.#header;
    let i = from;
    while (i < at.length) {
      const bytes = this.#inbound.pop(memory, (at[i] ?? 0) - this.#header, room);
      if (bytes < 0) break;
      lengths[i] = Math.max(0, bytes - this.#header);
      i++;
    }
    return i - from;
  }

  write(list: PacketList, from: number, to: number): number {
    const memory = this.#ready();
    const { at, lengths } = list;
    let i = from;
    while (i < to) {
      const start = (at[i] ?? 0) - this.#header;
      const end = (at[i] ?? 0) + (lengths[i] ?? 0);
      if (start < 0 || end > memory.length) {
        throw new RangeError(`packet at ${start} to ${end}: expected 0 to ${memory.length}, found outside`);
      }
      if (!this.#push(memory.subarray(start, end))) break;
      i++;
    }
    return i - from;
  }

  readv(parts: readonly Uint8Array[]): number {
    this.#mustBeOpen();
    const bytes = this.#inbound.peek();
    if (bytes < 0) return -1;
    const packet = new Uint8Array(bytes);
    this.#inbound.pop(packet, 0, bytes);
    return scatter(packet, parts);
  }

  writev(parts: readonly Uint8Array[]): boolean {
    this.#mustBeOpen();
    return this.#push(gather(parts));
  }

  wait(timeoutMs: number): Wake {
    const end = timeoutMs < 0 ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    for (;;) {
      const seen = this.#inbound.event;
      const found = this.#look();
      if (found !== Wake.Timeout) return found;
      const left = end - performance.now();
      if (left <= 0) return Wake.Timeout;
      this.#inbound.awaitEvent(seen, left);
    }
  }

  wake(): void {
    if (this.#open) this.#inbound.wake();
  }

  async whenReadable(signal?: AbortSignal): Promise<void> {
    const seen = this.#inbound.event;
    if (this.#look() === Wake.Timeout) await this.#inbound.whenEvent(seen, signal);
  }

  async whenWritable(signal?: AbortSignal): Promise<void> {
    const seen = this.#fullSince;
    if (seen === undefined || this.#isClosed()) return;
    await this.#outbound.whenRoom(seen, signal);
  }

  handOver(): DeviceHandOver {
    this.#mustBeOpen();
    return {
      driver: DRIVER,
      name: this.name,
      medium: this.capabilities.medium,
      vnetHeader: this.capabilities.vnetHeader,
      inbound: this.#inbound.shared,
      outbound: this.#outbound.shared,
    };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#memory = undefined;
    this.#inbound.close();
    this.#outbound.endRoomWaits();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** False: there is no room for it. A packet starts with what stands before it. */
  #push(packet: Uint8Array): boolean {
    const seen = this.#outbound.roomEvent;
    this.#fullSince = undefined;
    if (!this.#isPacket(packet)) this.#refused++;
    else if (this.#outbound.closed) this.#dropped++;
    else if (!this.#outbound.push(packet)) this.#fullSince = seen;
    return this.#fullSince === undefined;
  }

  #isPacket(packet: Uint8Array): boolean {
    if (this.capabilities.medium === "ethernet") return packet.length >= this.#header + ETHERNET_HEADER_BYTES;
    const version = (packet[this.#header] ?? 0) >> 4;
    return version === 4 || version === 6;
  }

  #look(): Wake {
    if (this.#isClosed()) return Wake.Closed;
    if (this.#inbound.takeWoken()) return Wake.Woken;
    return this.#inbound.peek() >= 0 ? Wake.Readable : Wake.Timeout;
  }

  #record(packet: Uint8Array, header: Uint8Array | undefined): Uint8Array {
    if (this.#header === 0) return packet;
    const record = new Uint8Array(this.#header + packet.length);
    if (header) record.set(header.subarray(0, this.#header));
    record.set(packet, this.#header);
    return record;
  }

  /** Also when it was closed in another thread. */
  #isClosed(): boolean {
    return !this.#open || this.#inbound.closed;
  }

  #mustBeOpen(): void {
    if (this.#isClosed()) throw new DeviceError("E_DEVICE_GONE", `device ${this.name}: expected open, found closed`);
  }

  #ready(): Uint8Array {
    this.#mustBeOpen();
    if (this.#memory) return this.#memory;
    throw new DeviceError("E_DEVICE_STATE", `device ${this.name}: expected a memory by attach(), found none`);
  }
}

/** `MemoryDevice.openTransferred` under the name that every driver's module has for it. */
export function openTransferredMemory(handOver: DeviceHandOver): MemoryDevice {
  return MemoryDevice.openTransferred(handOver);
}
