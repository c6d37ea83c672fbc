// Memory that connections use one after the other. A simulation makes millions of packets, and memory that nobody used
// before costs more than what is done with them: the system has to find each page of it, and no cache knows it. So what
// `lend` runs gets its octets from shelves, one for each length, and gives all of them back at its end.
import type { SegmentInPlace } from "./tcp/segment.ts";

/** Longer ones are made anew. */
const LENT_MAX_BYTES = 4096;
/** Of one length; a connection that needs more gets new ones. */
const SHELF_MAX = 128;
/** Of all lengths together. */
const SHELVES_MAX_BYTES = 1 << 23;

/** Octets that are lent. They hold what their last user left in them. */
export class LentOctets extends Uint8Array<ArrayBuffer> {
  /** Whether `readSegment` was asked yet, and what it found. */
  isRead = false;
  segment: SegmentInPlace | undefined;
  /** The segment of an earlier run. */
  reader: SegmentInPlace | undefined;
  /** The same octets as words of 32 bits, for what goes over all of them; the last ones may be left out. */
  readonly words: Int32Array<ArrayBuffer>;
  #part: Uint8Array<ArrayBuffer> | undefined;
  #partAt = 0;

  constructor(bytes: number) {
    super(new ArrayBuffer(bytes));
    this.words = new Int32Array(this.buffer, 0, bytes >> 2);
  }

  /** Parts are plain octets. */
  static get [Symbol.species](): Uint8ArrayConstructor {
    return Uint8Array;
  }

  /** What stands from one place to another, in place: the part that was asked for last is kept, a new one costs. */
  part(from: number, to: number): Uint8Array<ArrayBuffer> {
    const kept = this.#part;
    if (kept !== undefined && this.#partAt === from && kept.length === to - from) return kept;
    const made = new Uint8Array(this.buffer, this.byteOffset + from, to - from);
    this.#part = made;
    this.#partAt = from;
    return made;
  }
}

interface Shelf {
  readonly octets: LentOctets[];
  /** The first that this run has not taken. */
  next: number;
  run: number;
}

const shelves: Shelf[] = Array.from({ length: LENT_MAX_BYTES + 1 }, () => ({ octets: [], next: 0, run: 0 }));
let shelvesBytes = 0;
let runs = 0;
let isLending = false;

/**
 * Runs something whose packets nobody may look at once it has ended: they are lent. Within another one it is a part of
 * that.
 */
export function lend<Result>(run: () => Result): Result {
  if (isLending) return run();
  runs += 1;
  isLending = true;
  try {
    return run();
  } finally {
    isLending = false;
  }
}

/** So many octets to be written, all of them: those that are lent are not zeros. */
export function octetsToFill(bytes: number): Uint8Array<ArrayBuffer> {
  const shelf = isLending ? shelves[bytes] : undefined;
  if (shelf === undefined) return new Uint8Array(bytes);
  if (shelf.run !== runs) {
    shelf.run = runs;
    shelf.next = 0;
  }
  const lent = shelf.octets[shelf.next] ?? grown(shelf, bytes);
  if (lent === undefined) return new Uint8Array(bytes);
  shelf.next += 1;
  lent.isRead = false;
  return lent;
}

function grown(shelf: Shelf, bytes: number): LentOctets | undefined {
  if (shelf.octets.length === SHELF_MAX || shelvesBytes + bytes > SHELVES_MAX_BYTES) return undefined;
  shelvesBytes += bytes;
  const made = new LentOctets(bytes);
  shelf.octets.push(made);
  return made;
}

/** A copy that is lent where copies may be. */
export function copyOf(octets: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = octetsToFill(octets.length);
  copy.set(octets);
  return copy;
}
