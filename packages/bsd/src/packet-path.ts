// The way of packets through descriptors, whatever stands before them there.
import { DeviceError, type PacketList } from "@bunnel/device";
import { addressOf } from "@bunnel/ffi";
import * as errors from "./errors.ts";
import { EINTR_RETRIES_MAX, type Calls } from "./sys.ts";

/** How a device moves packets. `read` and `write` are those of `TunDevice`, with the memory checked. */
export interface PacketPath {
  /** Packets that the system refused for what they are. */
  readonly refused: number;
  /** The last write found the queue full. */
  readonly full: boolean;
  /** Packets that were fetched from the system and wait here. */
  readonly pending: boolean;
  read(memory: PacketMemory, list: PacketList, from: number, maxBytes: number): number;
  write(memory: PacketMemory, list: PacketList, from: number, to: number): number;
  readv(parts: readonly Uint8Array[]): number;
  writev(parts: readonly Uint8Array[]): boolean;
}

/** What one failed call means for the packets behind it. */
export enum Outcome {
  Again,
  Stop,
  Refused,
}

/** The memory in which packets lie. It must neither move nor grow. */
export class PacketMemory {
  readonly base: number;
  readonly octets: Uint8Array;

  constructor(memory: ArrayBufferLike) {
    this.octets = new Uint8Array(memory);
    this.base = addressOf(memory);
  }

  holds(start: number, bytes: number): boolean {
    return start + bytes <= this.octets.length;
  }

  /** The system would read and write whatever lies there. */
  mustHold(start: number, bytes: number): void {
    if (this.holds(start, bytes)) return;
    const expected = `expected 0 to ${this.octets.length}`;
    throw new RangeError(`packet at ${start} of ${bytes} octets: ${expected}, found outside`);
  }
}

/** @throws DeviceError E_DEVICE_GONE when the errno says so, or what else it says */
export function readOutcome(errno: number, interrupted: number, name: string): Outcome {
  if (errno === errors.EINTR && interrupted < EINTR_RETRIES_MAX) return Outcome.Again;
  if (errno === errors.EAGAIN || errno === errors.EINTR) return Outcome.Stop;
  if (isGone(errno)) throw errors.gone("reading from", name, errno);
  throw errors.systemError(`reading from ${name}`, errno);
}

/**
 * A full queue says EAGAIN or ENOBUFS, macOS also ENOSPC; an interface that is down, or of another family, refuses the
 * packet and goes on.
 * @throws DeviceError E_DEVICE_GONE when the errno says so
 */
export function writeOutcome(errno: number, interrupted: number, name: string): Outcome {
  switch (errno) {
    case errors.EINTR:
      return interrupted < EINTR_RETRIES_MAX ? Outcome.Again : Outcome.Stop;
    case errors.EAGAIN:
    case errors.ENOBUFS:
    case errors.ENOMEM:
    case errors.ENOSPC:
      return Outcome.Stop;
    case errors.EFAULT:
      throw errors.systemError(`writing to ${name}`, errno);
    default:
      if (isGone(errno)) throw errors.gone("writing to", name, errno);
      return Outcome.Refused;
  }
}

function isGone(errno: number): boolean {
  return errno === errors.EBADF || errno === errors.ENXIO || errno === errors.ENODEV;
}

/** Pieces of one packet; empty ones do not count. */
export const PIECES_MAX = 64;
export const IOVEC_BYTES = 16;

/**
 * Places in memory for one readv or writev (sys/uio.h struct iovec).
 *
 *   | address u64 | octets u64 | …
 */
export class Pieces {
  readonly #address: number;
  readonly #words: Uint32Array;

  constructor(readonly max: number) {
    this.#words = new Uint32Array(new ArrayBuffer(max * IOVEC_BYTES));
    this.#address = addressOf(this.#words);
  }

  addressOf(place: number): number {
    return this.#address + place * IOVEC_BYTES;
  }

  set(place: number, address: number, bytes: number): void {
    this.#words[place * 4] = address;
    this.#words[place * 4 + 1] = address / 0x1_0000_0000;
    this.#words[place * 4 + 2] = bytes;
    this.#words[place * 4 + 3] = 0;
  }

  /** Puts those that are not empty from `place` on; gives how many pieces there are now. */
  put(place: number, parts: readonly Uint8Array[]): number {
    let next = place;
    for (const part of parts) {
      if (part.length > 0) this.set(next++, addressOf(part), part.length);
    }
    return next;
  }
}

/** @throws DeviceError E_DEVICE_OPTION */
export function mustBeFew(parts: readonly Uint8Array[]): void {
  if (parts.length <= PIECES_MAX) return;
  throw new DeviceError("E_DEVICE_OPTION", `pieces of a packet: expected at most ${PIECES_MAX}, found ${parts.length}`);
}

/** What a path needs of its device. */
export interface PathOptions {
  readonly calls: Calls;
  /** Asked when there is an error to tell. */
  readonly nameOf: () => string;
}
