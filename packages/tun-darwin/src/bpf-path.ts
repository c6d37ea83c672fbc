// Frames of a feth pair: read many at a time from a packet filter on the far interface, written by a raw socket to it.
//
//   | record: | bpf_hdr | frame | padding to four | record: | …      net/bpf.h
//   bpf_hdr: | seconds u32 | microseconds u32 | captured u32 8 | whole u32 12 | header octets u16 16 |
import { PACKET_MAX_BYTES } from "@bunnel/abi";
import {
  DescriptorPath,
  Outcome,
  readOutcome,
  type PacketMemory,
  type PacketPath,
  type PathOptions,
} from "@bunnel/bsd";
import { DeviceError, type PacketList } from "@bunnel/device";

const CAPTURED_AT = 8;
const HEADER_BYTES_AT = 16;
const HEADER_MIN_BYTES = 18;
const ALIGN = 4;

export interface BpfPathOptions extends PathOptions {
  readonly bpfFd: number;
  readonly ndrvFd: number;
  /** What the filter was told; reads must ask for exactly so much. */
  readonly bufferBytes: number;
}

/** One frame of a buffer. */
export interface BpfRecord {
  readonly frame: Uint8Array;
  /** Where the next record begins. */
  readonly next: number;
}

/**
 * The record at `at` of the first `end` octets.
 * @throws DeviceError E_DEVICE_SYSTEM when it does not lie inside them
 */
export function readRecord(buffer: Uint8Array, at: number, end: number): BpfRecord {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const fits = at + HEADER_MIN_BYTES <= end;
  const headerBytes = fits ? view.getUint16(at + HEADER_BYTES_AT, true) : 0;
  const captured = fits ? view.getUint32(at + CAPTURED_AT, true) : 0;
  const start = at + headerBytes;
  if (headerBytes < HEADER_MIN_BYTES || start + captured > end) {
    const found = `found ${headerBytes} and ${captured} octets at ${at}`;
    throw new DeviceError("E_DEVICE_SYSTEM", `packet filter record: expected it inside ${end} octets, ${found}`);
  }
  const next = at + Math.ceil((headerBytes + captured) / ALIGN) * ALIGN;
  return { frame: buffer.subarray(start, start + captured), next };
}

export class BpfPath implements PacketPath {
  readonly #options: BpfPathOptions;
  readonly #writer: DescriptorPath;
  readonly #buffer: Uint8Array;
  #at = 0;
  #end = 0;

  constructor(options: BpfPathOptions) {
    this.#options = options;
    const { calls, nameOf, ndrvFd: fd } = options;
    this.#writer = new DescriptorPath({ calls, nameOf, fd, framing: "ethernet" });
    this.#buffer = new Uint8Array(new ArrayBuffer(options.bufferBytes));
  }

  get refused(): number {
    return this.#writer.refused;
  }

  get full(): boolean {
    return this.#writer.full;
  }

  get pending(): boolean {
    return this.#at < this.#end;
  }

  read(memory: PacketMemory, list: PacketList, from: number, maxBytes: number): number {
    const { at, lengths } = list;
    const room = Math.min(maxBytes, PACKET_MAX_BYTES);
    let i = from;
    while (i < at.length) {
      const start = at[i] ?? 0;
      memory.mustHold(start, room);
      const frame = this.#next();
      if (!frame) break;
      const bytes = Math.min(frame.length, room);
      memory.octets.set(frame.subarray(0, bytes), start);
      lengths[i++] = bytes;
    }
    return i - from;
  }

  write(memory: PacketMemory, list: PacketList, from: number, to: number): number {
    return this.#writer.write(memory, list, from, to);
  }

  readv(parts: readonly Uint8Array[]): number {
    const frame = this.#next();
    if (!frame) return -1;
    let copied = 0;
    for (const part of parts) {
      const piece = frame.subarray(copied, copied + part.length);
      part.set(piece);
      copied += piece.length;
    }
    return copied;
  }

  writev(parts: readonly Uint8Array[]): boolean {
    return this.#writer.writev(parts);
  }

  /** The next frame where it lies: good until the next call. */
  #next(): Uint8Array | undefined {
    if (!this.pending && !this.#fetch()) return undefined;
    const { frame, next } = readRecord(this.#buffer, this.#at, this.#end);
    this.#at = next;
    return frame;
  }

  #fetch(): boolean {
    const { calls, bpfFd, nameOf } = this.#options;
    this.#at = 0;
    this.#end = 0;
    for (let interrupted = 0; ; interrupted++) {
      const bytes = calls.read(bpfFd, this.#buffer);
      if (bytes >= 0) {
        this.#end = bytes;
        return bytes > 0;
      }
      if (readOutcome(calls.errno(), interrupted, nameOf()) === Outcome.Stop) return false;
    }
  }
}
