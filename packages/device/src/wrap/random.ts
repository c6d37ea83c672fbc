// Numbers that look random and are the same for the same seed. G. Marsaglia, "Xorshift RNGs", 2003.

export class Random {
  #state: number;

  constructor(seed: number) {
    // Zero would stay zero; small seeds are spread so that neighbours differ at once.
    this.#state = Math.imul(seed | 0, 0x9e3779b1) ^ 0x5bd1e995 || 1;
  }

  /** 0 or more, less than `limit`, whole. */
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  /** True in `probability` of all cases: 0 never, 1 always. Never asks for a number in vain. */
  chance(probability: number): boolean {
    return probability > 0 && this.#next() < probability;
  }

  #next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) / 0x1_0000_0000;
  }
}
