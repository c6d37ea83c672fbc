// What a Windows receiver makes of segments that overlap: the copy of an octet that came first stays, whether it was
// delivered or waits. zapret's manual says so of Windows servers, where its `seqovl` in the second piece does not work;
// it was not measured here. RFC 9293 section 3.10.7.4 leaves the choice open.
import { joined } from "../octets.ts";
import { EARLY_SEGMENTS_MAX } from "./linux-queue.ts";
import type { ReceiveQueue } from "./linux-queue.ts";

interface Waiting {
  readonly from: number;
  readonly octets: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** The receive queue of one direction. Positions count octets from the start of the stream and never wrap. */
export class WindowsQueue implements ReceiveQueue {
  #next = 0;
  /** In order of `from`, without overlaps. */
  readonly #waiting: Waiting[] = [];

  get next(): number {
    return this.#next;
  }

  /** RFC 9293 knows no such way. */
  get predicts(): boolean {
    return false;
  }

  take(from: number, octets: Uint8Array): Uint8Array {
    if (from + octets.length <= this.#next) return NOTHING;
    const start = Math.max(from, this.#next);
    this.#keep({ from: start, octets: octets.subarray(start - from) });
    const parts: Uint8Array[] = [];
    for (let first = this.#waiting[0]; first !== undefined && first.from === this.#next; first = this.#waiting[0]) {
      this.#waiting.shift();
      parts.push(first.octets);
      this.#next += first.octets.length;
    }
    return parts.length === 1 ? (parts[0] ?? NOTHING) : joined(...parts);
  }

  /** Keeps what of the segment no other one has brought yet. */
  #keep(segment: Waiting): void {
    let { from, octets } = segment;
    for (const known of this.#waiting.slice()) {
      const end = from + octets.length;
      const knownEnd = known.from + known.octets.length;
      if (knownEnd <= from) continue;
      if (known.from >= end) break;
      if (known.from > from) this.#insert({ from, octets: octets.subarray(0, known.from - from) });
      if (knownEnd >= end) return;
      octets = octets.subarray(knownEnd - from);
      from = knownEnd;
    }
    this.#insert({ from, octets });
  }

  #insert(piece: Waiting): void {
    const isNext = piece.from === this.#next;
    if (!isNext && this.#waiting.length >= EARLY_SEGMENTS_MAX) return;
    const place = this.#waiting.findLastIndex(({ from }) => from < piece.from) + 1;
    this.#waiting.splice(place, 0, piece);
  }
}
