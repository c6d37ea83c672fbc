// Frames through a TAP adapter: overlapped reads and writes, several under way at a time, each with memory of its own
// that stays where it is. It is shared memory, because Windows writes to it whichever thread reads.
//
//   | next read i32 | reads started i32 | next write i32 | writes used i32 |
//   | slot: OVERLAPPED 32 × 2·OPERATIONS | frames FRAME_BYTES × 2·OPERATIONS |      reads first, then writes
import type { DeviceError, PacketList } from "@bunnel/device";
import { addressOf, pointer } from "@bunnel/ffi";
import {
  ERROR_DEV_NOT_EXIST,
  ERROR_FILE_NOT_FOUND,
  ERROR_INVALID_HANDLE,
  ERROR_IO_INCOMPLETE,
  ERROR_IO_PENDING,
  ERROR_OPERATION_ABORTED,
} from "./constants.ts";
import { windowsError } from "./errors.ts";
import { goneError, roomOf, type AttachedMemory, type PacketLink } from "./packet-link.ts";
import { OVERLAPPED_BYTES, OVERLAPPED_EVENT_AT } from "./structs.ts";
import { createEvent, type WindowsSystem } from "./sys.ts";

/** Reads under way, and writes. */
const OPERATIONS = 16;
const FRAME_BYTES = 0x10000;
const ETHERNET_HEADER_BYTES = 14;

const NEXT_READ = 0;
const STARTED = 1;
const NEXT_WRITE = 2;
const USED = 3;
const WORDS_BYTES = 64;
const OVERLAPPED_AT = WORDS_BYTES;
const FRAMES_AT = OVERLAPPED_AT + 2 * OPERATIONS * OVERLAPPED_BYTES;
const POOL_BYTES = FRAMES_AT + 2 * OPERATIONS * FRAME_BYTES;
const GONE: ReadonlySet<number> = new Set([
  ERROR_FILE_NOT_FOUND,
  ERROR_INVALID_HANDLE,
  ERROR_DEV_NOT_EXIST,
  ERROR_OPERATION_ABORTED,
]);

/** What such a link stands on. */
export interface TapLinkParts {
  readonly system: WindowsSystem;
  readonly handle: number;
  /** From `createPool`. */
  readonly pool: SharedArrayBuffer;
  readonly nameOf: () => string;
}

/** The memory of a link, with an event for each operation. @throws DeviceError when no event can be made */
export function createPool(system: WindowsSystem): SharedArrayBuffer {
  const pool = new SharedArrayBuffer(POOL_BYTES);
  const view = new DataView(pool);
  for (let slot = 0; slot < 2 * OPERATIONS; slot++) {
    const event = createEvent(system, true);
    if (event === 0) throw windowsError("making an event", system.kernel32().GetLastError());
    view.setBigUint64(OVERLAPPED_AT + slot * OVERLAPPED_BYTES + OVERLAPPED_EVENT_AT, BigInt(event), true);
  }
  return pool;
}

export class TapLink implements PacketLink {
  readonly #system: WindowsSystem;
  readonly #handle: number;
  readonly #nameOf: () => string;
  readonly #octets: Uint8Array;
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #base: number;
  readonly #count = new Uint32Array(new ArrayBuffer(4));
  #refused = 0;
  #full = false;

  constructor({ system, handle, pool, nameOf }: TapLinkParts) {
    this.#system = system;
    this.#handle = handle;
    this.#nameOf = nameOf;
    this.#octets = new Uint8Array(pool);
    this.#words = new Int32Array(pool, 0, WORDS_BYTES / 4);
    this.#view = new DataView(pool);
    this.#base = addressOf(pool);
  }

  get refused(): number {
    return this.#refused;
  }

  get full(): boolean {
    return this.#full;
  }

  /** That of the oldest read. */
  get readEvent(): number {
    this.#startReads();
    return this.#eventOf(this.#word(NEXT_READ));
  }

  peek(): boolean {
    this.#startReads();
    return this.#isDone(this.#word(NEXT_READ), "reading from");
  }

  read(memory: AttachedMemory, list: PacketList, from: number, maxBytes: number): number {
    const { at, lengths } = list;
    const room = roomOf(maxBytes);
    let i = from;
    while (i < at.length) {
      const start = at[i] ?? 0;
      memory.mustHold(start, room);
      if (!this.peek()) break;
      const frame = this.#takeFrame();
      const bytes = Math.min(frame.length, room);
      memory.octets.set(frame.subarray(0, bytes), start);
      this.#restart();
      lengths[i] = bytes;
      i++;
    }
    return i - from;
  }

  write(memory: AttachedMemory, list: PacketList, from: number, to: number): number {
    const { at, lengths } = list;
    let i = from;
    this.#full = false;
    while (i < to) {
      const start = at[i] ?? 0;
      const bytes = lengths[i] ?? 0;
      memory.mustHold(start, bytes);
      if (!this.#send(memory.octets.subarray(start, start + bytes))) break;
      i++;
    }
    return i - from;
  }

  readv(parts: readonly Uint8Array[]): number {
    if (!this.peek()) return -1;
    const frame = this.#takeFrame();
    let copied = 0;
    for (const part of parts) {
      const piece = frame.subarray(copied, copied + part.length);
      part.set(piece);
      copied += piece.length;
    }
    this.#restart();
    return copied;
  }

  writev(parts: readonly Uint8Array[]): boolean {
    this.#full = false;
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    const frame = new Uint8Array(bytes);
    let at = 0;
    for (const part of parts) {
      frame.set(part, at);
      at += part.length;
    }
    return this.#send(frame);
  }

  release(): void {
    // What waits, waits in Windows' own memory or in the pool, for whoever reads next.
  }

  /** Ends every operation and comes back when Windows has let go of the memory; then closes the events. */
  end(): void {
    const { CancelIoEx, GetOverlappedResult, CloseHandle } = this.#system.kernel32();
    CancelIoEx(this.#handle, null);
    const started = this.#word(STARTED);
    const used = Math.min(this.#word(USED), OPERATIONS);
    for (let slot = 0; slot < started; slot++) {
      GetOverlappedResult(this.#handle, this.#overlapped(slot), this.#count, 1);
    }
    for (let slot = OPERATIONS; slot < OPERATIONS + used; slot++) {
      GetOverlappedResult(this.#handle, this.#overlapped(slot), this.#count, 1);
    }
    for (let slot = 0; slot < 2 * OPERATIONS; slot++) CloseHandle(this.#eventOf(slot));
  }

  #startReads(): void {
    while (this.#word(STARTED) < OPERATIONS) {
      const slot = this.#word(STARTED);
      this.#startRead(slot);
      this.#words[STARTED] = slot + 1;
    }
  }

  #startRead(slot: number): void {
    const { ReadFile, GetLastError } = this.#system.kernel32();
    if (ReadFile(this.#handle, this.#frameAt(slot), FRAME_BYTES, null, this.#overlapped(slot)) !== 0) return;
    const error = GetLastError();
    if (error !== ERROR_IO_PENDING) throw this.#failure("reading from", error);
  }

  /** The frame of the read that is done. */
  #takeFrame(): Uint8Array {
    const at = FRAMES_AT + this.#word(NEXT_READ) * FRAME_BYTES;
    return this.#octets.subarray(at, at + (this.#count[0] ?? 0));
  }

  /** The read that was taken starts again, behind the others. */
  #restart(): void {
    const slot = this.#word(NEXT_READ);
    this.#words[NEXT_READ] = (slot + 1) % OPERATIONS;
    this.#startRead(slot);
  }

  /** False: no operation is free. */
  #send(frame: Uint8Array): boolean {
    if (frame.length < ETHERNET_HEADER_BYTES || frame.length > FRAME_BYTES) {
      this.#refused++;
      return true;
    }
    const used = this.#word(USED);
    const slot = OPERATIONS + this.#word(NEXT_WRITE);
    if (used >= OPERATIONS && !this.#isWritten(slot)) {
      this.#full = true;
      return false;
    }
    this.#octets.set(frame, FRAMES_AT + slot * FRAME_BYTES);
    const { WriteFile, GetLastError } = this.#system.kernel32();
    const isDone = WriteFile(this.#handle, this.#frameAt(slot), frame.length, null, this.#overlapped(slot)) !== 0;
    const error = isDone ? 0 : GetLastError();
    if (error !== 0 && error !== ERROR_IO_PENDING) {
      if (GONE.has(error)) throw this.#failure("writing to", error);
      this.#refused++;
      return true;
    }
    this.#words[NEXT_WRITE] = (slot - OPERATIONS + 1) % OPERATIONS;
    this.#words[USED] = Math.min(used + 1, OPERATIONS);
    return true;
  }

  /** Whether the write before it at this place has ended. A frame that was refused then is counted now. */
  #isWritten(slot: number): boolean {
    const { GetOverlappedResult, GetLastError } = this.#system.kernel32();
    if (GetOverlappedResult(this.#handle, this.#overlapped(slot), this.#count, 0) !== 0) return true;
    const error = GetLastError();
    if (error === ERROR_IO_INCOMPLETE) return false;
    if (GONE.has(error)) throw this.#failure("writing to", error);
    this.#refused++;
    return true;
  }

  #isDone(slot: number, doing: string): boolean {
    const { GetOverlappedResult, GetLastError } = this.#system.kernel32();
    if (GetOverlappedResult(this.#handle, this.#overlapped(slot), this.#count, 0) !== 0) return true;
    const error = GetLastError();
    if (error === ERROR_IO_INCOMPLETE) return false;
    throw this.#failure(doing, error);
  }

  #word(place: number): number {
    return this.#words[place] ?? 0;
  }

  #overlapped(slot: number) {
    return pointer(this.#base + OVERLAPPED_AT + slot * OVERLAPPED_BYTES);
  }

  #frameAt(slot: number) {
    return pointer(this.#base + FRAMES_AT + slot * FRAME_BYTES);
  }

  #eventOf(slot: number): number {
    return Number(this.#view.getBigUint64(OVERLAPPED_AT + slot * OVERLAPPED_BYTES + OVERLAPPED_EVENT_AT, true));
  }

  #failure(doing: string, error: number): DeviceError {
    const name = this.#nameOf();
    return GONE.has(error) ? goneError(name, error) : windowsError(`${doing} ${name}`, error);
  }
}
