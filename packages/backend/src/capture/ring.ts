// Copies of packets on their way from a lane's thread to the host: one writes, one reads, and only the reader may wait.
// What finds no room is counted and lost, never the packets themselves. While nobody looks, it costs one read of a word
// in each turn.
//
//   memory:  | level i32 | head u32 | tail u32 | lost u32 | … 64 | records |
//   record:  | octets of the record u32 | kind, verdict, reason, l7 u8 | rule + 1 u16 | delay u16 | index u16 |
//            | count u16 | number u32 | time f64 | octets of the packet u32 | packet … padded to eight |
//   A record whose first word is 0 says: go on at the start.

/** What is copied. */
export enum CaptureLevel {
  Off = 0,
  /** Packets with a message of TLS, HTTP or QUIC, as they came up. */
  Heads = 1,
  /** Packets in which a message was found, those that were not let pass, and what left in their place. */
  Messages = 2,
  /** Every packet that came up, and every one that left. */
  Packets = 3,
}

/** Which side of the engine a copy is of. */
export enum CaptureKind {
  /** As it came up from the device; a partial checksum may have been finished. */
  Before = 0,
  /** As it leaves. */
  After = 1,
  /** Leaves because its time to be held was over. */
  Released = 2,
}

/** One copy, with what the engine said of it. Numbers are those of `@bunnel/abi`. */
export interface CaptureRecord {
  readonly kind: CaptureKind;
  readonly verdict: number;
  readonly reason: number;
  readonly l7: number;
  /** Index in the rule table; -1: no rule decided. */
  readonly rule: number;
  /** Milliseconds that it waits before it leaves. */
  readonly delayMs: number;
  /** Of a packet that leaves: its place among those that stand for one, and how many these are. */
  readonly index: number;
  readonly count: number;
  /** Number of the packet that came up, of its queue, modulo 2^32; what leaves for it bears the same. */
  readonly number: number;
  /** Milliseconds since 1970 UTC, with fractions. */
  readonly timeMs: number;
  readonly octets: Uint8Array;
}

const HEADER_BYTES = 64;
const RECORD_BYTES = 40;
const LEVEL = 0;
const HEAD = 1;
const TAIL = 2;
const LOST = 3;
/** Octets for records: hundreds of ordinary packets, some dozens of the largest. */
export const CAPTURE_RING_BYTES = 4 * 1024 * 1024;

/** Of a record with so many octets of a packet. */
function recordBytes(length: number): number {
  return RECORD_BYTES + Math.ceil(length / 8) * 8;
}

/** Either end of the ring; a lane writes, the host reads. */
export class CaptureRing {
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #octets: Uint8Array;

  /** @param memory made by `CaptureRing.memory` */
  constructor(readonly memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#view = new DataView(memory, HEADER_BYTES);
    this.#octets = new Uint8Array(memory, HEADER_BYTES);
  }

  /** Memory for a ring with room for so many octets, a power of two; the system gives pages when they are written. */
  static memory(bytes: number = CAPTURE_RING_BYTES): SharedArrayBuffer {
    if (bytes < 4096 || (bytes & (bytes - 1)) !== 0) {
      throw new RangeError(`capture ring: expected a power of two from 4096, found ${bytes}`);
    }
    return new SharedArrayBuffer(HEADER_BYTES + bytes);
  }

  get level(): CaptureLevel {
    return Atomics.load(this.#words, LEVEL);
  }

  /** Set by the reader. What lay there from before is forgotten when it is switched on. */
  set level(level: CaptureLevel) {
    if (this.level === CaptureLevel.Off) Atomics.store(this.#words, TAIL, Atomics.load(this.#words, HEAD));
    Atomics.store(this.#words, LEVEL, level);
  }

  /** Records that found no room, modulo 2^32. */
  get lost(): number {
    return Atomics.load(this.#words, LOST) >>> 0;
  }

  /** Octets of records that nobody has read yet. */
  get waitingBytes(): number {
    return ((Atomics.load(this.#words, HEAD) >>> 0) - (Atomics.load(this.#words, TAIL) >>> 0)) >>> 0;
  }

  /**
   * True as soon as something waits to be read, of which the reader hears without looking; false when the time is
   * over, or somebody called `wake`.
   */
  async written(timeoutMs: number): Promise<boolean> {
    if (this.waitingBytes === 0) {
      // Of what is written from here on the word at `HEAD` is another one: nothing is missed in between.
      const waiting = Atomics.waitAsync(this.#words, HEAD, Atomics.load(this.#words, TAIL), timeoutMs);
      if (waiting.async) await waiting.value;
    }
    return this.waitingBytes > 0;
  }

  /** Ends the reader's wait. */
  wake(): void {
    Atomics.notify(this.#words, HEAD);
  }

  /** Writes records that belong together: all of them, or none, which are counted. */
  write(records: readonly CaptureRecord[]): void {
    const start = Atomics.load(this.#words, HEAD) >>> 0;
    const free = this.#octets.length - ((start - Atomics.load(this.#words, TAIL)) >>> 0);
    let head = start;
    for (const record of records) {
      const bytes = recordBytes(record.octets.length);
      const at = head & (this.#octets.length - 1);
      const skipped = at + bytes > this.#octets.length ? this.#octets.length - at : 0;
      if ((head + skipped + bytes - start) >>> 0 > free) {
        Atomics.add(this.#words, LOST, records.length);
        return;
      }
      if (skipped > 0) this.#view.setUint32(at, 0, true);
      this.#put(record, (at + skipped) & (this.#octets.length - 1), bytes);
      head = (head + skipped + bytes) >>> 0;
    }
    Atomics.store(this.#words, HEAD, head | 0);
    this.wake();
  }

  /** Writes one record of the octets at `from`, and makes no object for it. It is counted when it finds no room. */
  writeOne(said: Omit<CaptureRecord, "octets">, octets: Uint8Array, from: number, length: number): void {
    const head = Atomics.load(this.#words, HEAD) >>> 0;
    const free = this.#octets.length - ((head - Atomics.load(this.#words, TAIL)) >>> 0);
    const bytes = recordBytes(length);
    const at = head & (this.#octets.length - 1);
    const skipped = at + bytes > this.#octets.length ? this.#octets.length - at : 0;
    if (skipped + bytes > free) {
      Atomics.add(this.#words, LOST, 1);
      return;
    }
    if (skipped > 0) this.#view.setUint32(at, 0, true);
    const place = (at + skipped) & (this.#octets.length - 1);
    this.#putHead(said, place, bytes, length);
    for (let i = 0; i < length; i++) this.#octets[place + RECORD_BYTES + i] = octets[from + i] ?? 0;
    Atomics.store(this.#words, HEAD, (head + skipped + bytes) | 0);
    this.wake();
  }

  /** Gives what waits to `take`, until so many octets were read; returns how many. The copies are the taker's. */
  read(maxBytes: number, take: (record: CaptureRecord) => void): number {
    const head = Atomics.load(this.#words, HEAD) >>> 0;
    const start = Atomics.load(this.#words, TAIL) >>> 0;
    let tail = start;
    while (tail !== head && (tail - start) >>> 0 < maxBytes) {
      const at = tail & (this.#octets.length - 1);
      const bytes = this.#view.getUint32(at, true);
      if (bytes > 0) take(this.#get(at));
      tail = (tail + (bytes === 0 ? this.#octets.length - at : bytes)) >>> 0;
    }
    Atomics.store(this.#words, TAIL, tail | 0);
    return (tail - start) >>> 0;
  }

  #put(record: CaptureRecord, at: number, bytes: number): void {
    this.#putHead(record, at, bytes, record.octets.length);
    this.#octets.set(record.octets, at + RECORD_BYTES);
  }

  #putHead(record: Omit<CaptureRecord, "octets">, at: number, bytes: number, length: number): void {
    const view = this.#view;
    view.setUint32(at, bytes, true);
    view.setUint8(at + 4, record.kind);
    view.setUint8(at + 5, record.verdict);
    view.setUint8(at + 6, record.reason);
    view.setUint8(at + 7, record.l7);
    view.setUint16(at + 8, record.rule + 1, true);
    view.setUint16(at + 10, record.delayMs, true);
    view.setUint16(at + 12, record.index, true);
    view.setUint16(at + 14, record.count, true);
    view.setUint32(at + 16, record.number, true);
    view.setFloat64(at + 24, record.timeMs, true);
    view.setUint32(at + 32, length, true);
  }

  #get(at: number): CaptureRecord {
    const view = this.#view;
    const from = at + RECORD_BYTES;
    return {
      kind: view.getUint8(at + 4),
      verdict: view.getUint8(at + 5),
      reason: view.getUint8(at + 6),
      l7: view.getUint8(at + 7),
      rule: view.getUint16(at + 8, true) - 1,
      delayMs: view.getUint16(at + 10, true),
      index: view.getUint16(at + 12, true),
      count: view.getUint16(at + 14, true),
      number: view.getUint32(at + 16, true),
      timeMs: view.getFloat64(at + 24, true),
      octets: Uint8Array.from(this.#octets.subarray(from, from + view.getUint32(at + 32, true))),
    };
  }
}
