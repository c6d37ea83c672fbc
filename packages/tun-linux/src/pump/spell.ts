// How many packets to look for. What came between two moments at which nothing waited is a spell; the next one is
// expected to be like the last.
const PACKETS_MAX = 64;

/** One for each port. */
export class Spell {
  #packets = 0;
  #next = 1;

  /**
   * Reads to try at first. 1: a lone packet is expected, as when somebody asks and waits for the answer; it is then
   * given back at once, before a look for more (which took 3 µs of 20 there and back).
   */
  get reads(): number {
    return this.#next;
  }

  /** So many packets came in one call; 0: nothing waits, the spell is over. */
  note(came: number): void {
    if (came > 0) {
      this.#packets += came;
      this.#next = this.#packets === 1 ? 1 : Math.min(2 * came + 1, PACKETS_MAX);
    } else {
      this.#next = Math.min(Math.max(1, this.#packets), PACKETS_MAX);
      this.#packets = 0;
    }
  }
}
