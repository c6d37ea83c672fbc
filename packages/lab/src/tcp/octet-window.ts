// The first octets of a stream, put together from segments in any order, as a box does that is no endpoint.
import { octetsToFill } from "../lent-octets.ts";

/** Octets from the start of a stream that a model keeps; what lies behind them is not looked at. */
export const STREAM_KEPT_BYTES = 16384;

const NOTHING = new Uint8Array(0);

export class OctetWindow {
  readonly #keep: "first" | "last";
  readonly #maxBytes: number;
  #octets = NOTHING;
  /** 1 where the octet is known. */
  #known = NOTHING;
  #readable = 0;
  /** Behind the last octet that is known. */
  #end = 0;

  /** @param keep which copy of an octet holds when there are several */
  constructor(keep: "first" | "last", maxBytes = STREAM_KEPT_BYTES) {
    this.#keep = keep;
    this.#maxBytes = maxBytes;
  }

  /**
   * Writes `octets` at `position`, which may be negative; what lies outside of the window is cut off.
   * Returns whether an octet was written.
   */
  write(position: number, octets: Uint8Array): boolean {
    const start = Math.max(0, position);
    const end = Math.min(this.#maxBytes, position + octets.length);
    if (start >= end) return false;
    this.#grow(end);
    if (start >= this.#end) {
      this.#append(
        start,
        start === position && end === position + octets.length
          ? octets
          : octets.slice(start - position, end - position),
      );
      return true;
    }
    let written = false;
    for (let at = start; at < end; at += 1) {
      if (this.#keep === "first" && this.#known[at] === 1) continue;
      this.#octets[at] = octets[at - position] ?? 0;
      this.#known[at] = 1;
      written = true;
    }
    this.#end = Math.max(this.#end, end);
    while (this.#known[this.#readable] === 1) this.#readable += 1;
    return written;
  }

  /** Octets behind all others. */
  #append(start: number, octets: Uint8Array): void {
    this.#end = start + octets.length;
    this.#octets.set(octets, start);
    this.#known.fill(1, start, this.#end);
    if (this.#readable === start) this.#readable = this.#end;
  }

  /** The octets from the start up to the first hole, until the next one is written. */
  get readable(): Uint8Array {
    return this.#readable === this.#octets.length ? this.#octets : this.#octets.slice(0, this.#readable);
  }

  /** How many those are. */
  get readableBytes(): number {
    return this.#readable;
  }

  #grow(bytes: number): void {
    if (bytes <= this.#octets.length) return;
    const size = Math.min(this.#maxBytes, Math.max(bytes, this.#octets.length * 2));
    const octets = octetsToFill(size);
    octets.set(this.#octets);
    const known = octetsToFill(size);
    known.set(this.#known);
    known.fill(0, this.#known.length);
    this.#octets = octets;
    this.#known = known;
  }
}
