// Chance that can be repeated: the 32-bit xorshift generator of G. Marsaglia, "Xorshift RNGs", Journal of Statistical
// Software 8 (2003), with the shifts 13, 17 and 5. Good enough to drop packets; nothing secret may come from it.

export class SeededRandom {
  #state: number;

  /** Equal seeds give equal numbers. Any whole number is a seed. */
  constructor(seed: number) {
    // Neighbouring seeds start far apart (Knuth's multiplicative hash); the generator never leaves 0, so 0 is no state.
    this.#state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) | 0 || 1;
    for (let turn = 0; turn < 8; turn += 1) this.next();
  }

  /** A whole number of 1 to 2^32 - 1. */
  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }

  /** True so often as `share` says: 0 never, 1 always. Takes one number in every case. */
  chance(share: number): boolean {
    return (this.next() - 1) / 0xffffffff < share;
  }
}
