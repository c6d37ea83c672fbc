// How many packets to look for. What came between two moments at which nothing waited is a spell; the next one is
// expected to be like the last.
const PACKETS_MAX = 64;
/** So many lone packets in a row are taken on trust before one look whether more wait behind them. */
const TRUSTED_MAX = 8;

/** From this mean size on packets count as large, octets. */
const LARGE_OCTETS = 8192;

/** Whether a call for many packets of so many octets in all saves nothing: their octets cost more than their calls. */
export function areLarge(packets: number, octets: number): boolean {
  return octets >= packets * LARGE_OCTETS;
}

/** One for each port. */
export class Spell {
  #large = false;
  #packets = 0;
  #next = 1;
  #trusted = 0;

  /**
   * Reads to try at first. 1: a lone packet is expected, as when somebody asks and waits for the answer; it is then
   * given back at once, before a look for more (which took 3 µs of 20 there and back).
   */
  get reads(): number {
    return this.#next;
  }

  /**
   * Whether another read is worth its call before one sleeps. A sleep ends at once when something waits, so nothing is
   * lost by going to sleep behind a lone packet, and the call that would have found nothing is saved.
   */
  get mayHaveMore(): boolean {
    return this.#packets !== 1 || this.#next !== 1 || this.#trusted >= TRUSTED_MAX;
  }

  /** Whether the packets that came last were large. */
  get areLarge(): boolean {
    return this.#large;
  }

  /** So many packets, of so many octets in all, came in one call; 0: nothing waits, the spell is over. */
  note(came: number, octets: number): void {
    if (came > 0) {
      this.#large = areLarge(came, octets);
      this.#packets += came;
      this.#next = this.#packets === 1 ? 1 : Math.min(2 * came + 1, PACKETS_MAX);
    } else {
      this.#next = Math.min(Math.max(1, this.#packets), PACKETS_MAX);
      this.#packets = 0;
      this.#trusted = 0;
    }
  }

  /** A lone packet came, and it is known that it was not. */
  expectMore(): void {
    this.#packets = 1;
    this.#trusted = TRUSTED_MAX;
  }

  /** Somebody went to sleep: without a look for more, the spell is taken for over. */
  rest(): void {
    if (this.mayHaveMore) return;
    this.#packets = 0;
    this.#trusted++;
  }
}
