// What has been reached so far: each probe with the order of magnitude of how often one execution passed it.
import type { ProbeScan } from "./probe-scan.ts";

const SCAN_BYTES = 16;

/** 1, 2, 3, 4–7, 8–15, 16–31, 32–127 and more passes are different things, one bit each; 4 passes and 5 are not. */
const BUCKETS = Uint8Array.from({ length: 256 }, (_, count) => {
  if (count < 4) return [0, 1, 2, 4][count] ?? 0;
  if (count < 8) return 8;
  if (count < 16) return 16;
  if (count < 32) return 32;
  return count < 128 ? 64 : 128;
});

export class EdgeMap {
  readonly #seen: Uint8Array;
  readonly #words: Uint32Array;
  readonly #scan: ProbeScan;
  #edges = 0;

  /**
   * @param counters bytes of the probes, at an address and of a length that are multiples of sixteen
   * @param scan finds counters that are not zero; default: a loop
   */
  constructor(
    private readonly counters: Uint8Array,
    scan?: ProbeScan,
  ) {
    this.#seen = new Uint8Array(counters.length);
    this.#words = new Uint32Array(counters.buffer, counters.byteOffset, counters.length / 4);
    this.#scan = scan ?? ((at, end) => this.#search(at, end));
  }

  /** Probes that were ever reached. */
  get edges(): number {
    return this.#edges;
  }

  /** Takes the counters of one execution over and clears them; true when something in them is new. */
  take(): boolean {
    let isNew = false;
    const first = this.counters.byteOffset;
    const end = first + this.counters.length;
    for (let at = this.#scan(first, end); at < end; at = this.#scan(at + SCAN_BYTES, end)) {
      for (let probe = at - first; probe < at - first + SCAN_BYTES; probe++) {
        const bucket = BUCKETS[this.counters[probe] ?? 0] ?? 0;
        const seen = this.#seen[probe] ?? 0;
        if ((bucket & ~seen) === 0) continue;
        if (seen === 0) this.#edges++;
        this.#seen[probe] = seen | bucket;
        isNew = true;
      }
      const word = (at - first) >> 2;
      for (let i = word; i < word + SCAN_BYTES / 4; i++) this.#words[i] = 0;
    }
    return isNew;
  }

  #search(from: number, end: number): number {
    const first = this.counters.byteOffset;
    for (let at = from; at < end; at += SCAN_BYTES) {
      const word = (at - first) >> 2;
      for (let i = word; i < word + SCAN_BYTES / 4; i++) if (this.#words[i] !== 0) return at;
    }
    return end;
  }

  /** Forgets the counters of an execution that does not count. */
  clear(): void {
    this.#words.fill(0);
  }
}
