// What has been reached so far: each probe with the order of magnitude of how often one execution passed it.

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
  #edges = 0;

  /** @param counters bytes of the probes, at an address and of a length that are multiples of four */
  constructor(private readonly counters: Uint8Array) {
    this.#seen = new Uint8Array(counters.length);
    this.#words = new Uint32Array(counters.buffer, counters.byteOffset, counters.length / 4);
  }

  /** Probes that were ever reached. */
  get edges(): number {
    return this.#edges;
  }

  /** Takes the counters of one execution over and clears them; true when something in them is new. */
  take(): boolean {
    let isNew = false;
    for (let word = 0; word < this.#words.length; word++) {
      if (this.#words[word] === 0) continue;
      for (let probe = word * 4; probe < word * 4 + 4; probe++) {
        const bucket = BUCKETS[this.counters[probe] ?? 0] ?? 0;
        const seen = this.#seen[probe] ?? 0;
        if ((bucket & ~seen) === 0) continue;
        if (seen === 0) this.#edges++;
        this.#seen[probe] = seen | bucket;
        isNew = true;
      }
      this.#words[word] = 0;
    }
    return isNew;
  }

  /** Forgets the counters of an execution that does not count. */
  clear(): void {
    this.#words.fill(0);
  }
}
