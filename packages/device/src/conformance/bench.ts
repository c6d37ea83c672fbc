// What every case of the suite works with.
import { expect } from "bun:test";
import { headerBytesOf, type DeviceCapabilities } from "../capabilities.ts";
import { Wake, type AsyncTunDevice, type PacketList } from "../device.ts";
import { DeviceError, type DeviceErrorCode } from "../errors.ts";
import { packetOf } from "./packets.ts";

/** An open device and its other side. */
export interface ConformanceSubject {
  readonly device: AsyncTunDevice;
  /** The only memory that the device takes. Its last CONFORMANCE_MEMORY_BYTES are the suite's. */
  readonly memory?: SharedArrayBuffer;
  /** Makes the device read exactly these octets: a packet, or a frame, as its medium is. */
  send(packet: Uint8Array): void;
  /** The next packet that the device wrote, as it arrived on the other side; undefined when none comes. */
  receive(): Uint8Array | undefined;
  /** Closes device and other side. */
  close(): void;
}

/** Tests that a driver may be excused from. */
export type ConformanceCheck = "attach" | "handOver" | "fullQueue" | "refuses";

/** One test of the contract. */
export interface ConformanceCase {
  readonly name: string;
  readonly check?: ConformanceCheck;
  /** Whether it asks something of such a device. Default: of every. */
  readonly appliesTo?: (capabilities: DeviceCapabilities) => boolean;
  run(bench: Bench): void | Promise<void>;
}

export const SLOTS = 8;
export const ROOM_BYTES = 2048;
export const UNTOUCHED = 0xa5;
const SLOT_BYTES = 4096;
const HEADROOM_BYTES = 128;
/** What the suite needs of a memory that is not its own. */
export const CONFORMANCE_MEMORY_BYTES = SLOTS * SLOT_BYTES;
const WAIT_MS = 2000;
const ROUNDS_MAX = 200;

/** A memory with slots at its end, and what lies in them. */
export class Slots {
  readonly memory: Uint8Array;
  /** Where the slots begin. */
  readonly start: number;
  readonly list: PacketList = { at: new Uint32Array(SLOTS), lengths: new Uint16Array(SLOTS) };

  constructor(
    readonly capabilities: DeviceCapabilities,
    buffer = new SharedArrayBuffer(CONFORMANCE_MEMORY_BYTES),
  ) {
    this.memory = new Uint8Array(buffer);
    this.start = buffer.byteLength - CONFORMANCE_MEMORY_BYTES;
    this.memory.fill(UNTOUCHED, this.start);
    for (let i = 0; i < SLOTS; i++) this.list.at[i] = this.start + i * SLOT_BYTES + HEADROOM_BYTES;
  }

  octets(i: number): Uint8Array {
    const at = this.list.at[i] ?? 0;
    return this.memory.slice(at, at + (this.list.lengths[i] ?? 0));
  }

  /** Puts a packet down, and a header before it that says nothing but, where it must, that this is a packet of IPv4. */
  put(i: number, packet: Uint8Array): void {
    const at = this.list.at[i] ?? 0;
    this.memory.fill(0, at - HEADROOM_BYTES, at);
    this.memory.set(headerOf(this.capabilities), at - headerBytesOf(this.capabilities));
    this.memory.set(packet, at);
    this.list.lengths[i] = packet.length;
  }
}

/** What stands before a whole packet: | flags u16 | EtherType be16 | virtio_net_hdr of zeros | */
export function headerOf(capabilities: DeviceCapabilities): Uint8Array {
  const header = new Uint8Array(headerBytesOf(capabilities));
  if (capabilities.packetInformation) header.set([0, 0, 0x08, 0x00]);
  return header;
}

/** A device with a memory, for one test. */
export class Bench {
  readonly device: AsyncTunDevice;
  readonly slots: Slots;

  constructor(
    readonly subject: ConformanceSubject,
    readonly open: () => ConformanceSubject,
  ) {
    this.device = subject.device;
    this.slots = new Slots(this.device.capabilities, subject.memory);
    this.device.attach(this.slots.memory.buffer);
  }

  /** A packet, or a frame, of `bytes` octets from the IP header on. */
  packet(bytes: number, seed: number): Uint8Array<ArrayBuffer> {
    return packetOf(this.device.capabilities.medium, bytes, seed);
  }

  /** Reads until `count` packets lie in the slots; gives how many came. */
  readAll(count: number): number {
    let read = 0;
    for (let round = 0; round < ROUNDS_MAX && read < count; round++) {
      if (this.device.wait(WAIT_MS) !== Wake.Readable) break;
      read += this.device.read(this.slots.list, read, ROOM_BYTES);
    }
    return read;
  }

  expectReadable(): void {
    expect(this.device.wait(WAIT_MS)).toBe(Wake.Readable);
  }
}

/** The code of the DeviceError that the work threw. */
export function codeOf(work: () => unknown): DeviceErrorCode | "nothing" {
  try {
    work();
  } catch (error) {
    if (error instanceof DeviceError) return error.code;
    throw error;
  }
  return "nothing";
}

/** What a promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return "nothing";
}
