// What a Linux receiver makes of segments that overlap. RFC 9293 section 3.10.7.4 leaves the choice open; observed on
// Linux 6.18, four rules decide whose octets the application reads:
//
// 1. Octets that were delivered stay: a later copy of them is cut off.
// 2. A segment that reaches the next expected octet is delivered at once, even over octets that wait in the queue.
// 3. In the queue a segment inside another one is discarded, and one that covers others takes their place.
// 4. Where two waiting segments overlap in part, the one that starts lower gives the octets.
//
// A segment that continues a waiting one grows it, which decides what "inside" means for those that come later. The
// kernel looks for the one to grow along the search path of a balanced tree; here it is always the nearest on the left.
// The two differ only where several waiting segments overlap in part (see linux-queue.test.ts).
import { joined } from "../octets.ts";

/** Segments that may wait for a hole; the next ones are discarded as if lost. */
export const EARLY_SEGMENTS_MAX = 64;

/** The receive queue of one direction. Positions count octets from the start of the stream and never wrap. */
export interface ReceiveQueue {
  /** Octets delivered so far; also the position that is expected next. */
  readonly next: number;
  /** Whether the receiver predicts the next header, and takes what has it without a look at what it acknowledges. */
  readonly predicts: boolean;
  /** Takes `octets` that stand at position `from` (negative: before the stream). Returns what became readable. */
  take(from: number, octets: Uint8Array): Uint8Array;
}

interface EarlySegment {
  readonly from: number;
  octets: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** The queue of Linux. */
export class LinuxQueue implements ReceiveQueue {
  #next = 0;
  /** In order of `from`; two never start at the same octet. */
  #early: EarlySegment[] = [];

  get next(): number {
    return this.#next;
  }

  /**
   * tcp_rcv_established of net/ipv4/tcp_input.c: while nothing waits for a hole. The first octets of a connection take
   * the long way, for it has no memory set aside yet.
   */
  get predicts(): boolean {
    return this.#next > 0 && this.#early.length === 0;
  }

  take(from: number, octets: Uint8Array): Uint8Array {
    const end = from + octets.length;
    if (end <= this.#next) return NOTHING;
    if (from > this.#next) {
      this.#keep({ from, octets });
      return NOTHING;
    }
    if (this.#early.length === 0) {
      const fresh = octetsFrom(octets, this.#next - from);
      this.#next = end;
      return fresh;
    }
    const parts = [octetsFrom(octets, this.#next - from)];
    this.#next = end;
    this.#release(parts);
    return joined(...parts);
  }

  /** Moves what is no longer early from the queue to `parts`. */
  #release(parts: Uint8Array[]): void {
    for (let first = this.#early[0]; first !== undefined && first.from <= this.#next; first = this.#early[0]) {
      this.#early.shift();
      if (endOf(first) <= this.#next) continue;
      parts.push(octetsFrom(first.octets, this.#next - first.from));
      this.#next = endOf(first);
    }
  }

  #keep(segment: EarlySegment): void {
    const lower = this.#early.filter((other) => other.from <= segment.from);
    if (lower.some((other) => endOf(other) >= endOf(segment))) return;
    if (grow(lower.at(-1), segment)) return;
    const before = lower.filter((other) => other.from < segment.from);
    const behind = this.#early.filter((other) => other.from >= segment.from && endOf(other) > endOf(segment));
    const kept = [...before, segment, ...behind];
    if (kept.length <= EARLY_SEGMENTS_MAX) this.#early = kept;
  }
}

/** Adds `segment` to a waiting one that ends where it starts. */
function grow(waiting: EarlySegment | undefined, segment: EarlySegment): boolean {
  if (waiting === undefined || endOf(waiting) !== segment.from) return false;
  waiting.octets = joined(waiting.octets, segment.octets);
  return true;
}

/** The octets from one on: themselves where that is the first, for a view costs more than both. */
function octetsFrom(octets: Uint8Array, at: number): Uint8Array {
  return at === 0 ? octets : octets.slice(at);
}

function endOf(segment: EarlySegment): number {
  return segment.from + segment.octets.length;
}
