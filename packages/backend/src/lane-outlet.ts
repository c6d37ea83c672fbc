// What a lane's thread takes out of bursts for somebody else: whether the last burst had some, how much of it waits to
// be taken over, and what was dropped because too much did.
import { Counter, LANE_BYTES, LANE_WORDS, LANES_BASE } from "@bunnel/abi";
import { laneCounters, type Lane } from "@bunnel/engine";

/** A word of a lane in which whoever takes things over counts them, modulo 2^32. */
export function takenWordOf(memory: SharedArrayBuffer, laneIndex: number, word: number): Uint32Array {
  return new Uint32Array(memory, LANES_BASE + laneIndex * LANE_BYTES + LANE_WORDS + word, 1);
}

/** The books of one outlet. */
export class LaneOutlet {
  readonly #counters: BigUint64Array;
  /** As halves: the lower one tells whether the counter has changed, without a BigInt. */
  readonly #halves: Uint32Array;
  readonly #half: number;
  #seen: number;
  #given: number;

  /**
   * @param reason that packets have which are taken out
   * @param taken the word of `takenWordOf`
   */
  constructor(
    readonly lane: Lane,
    readonly reason: number,
    private readonly taken: Uint32Array,
  ) {
    this.#counters = laneCounters(lane.memory, lane.index);
    this.#halves = new Uint32Array(lane.memory, this.#counters.byteOffset, 2 * this.#counters.length);
    this.#half = 2 * (Counter.Reasons + reason);
    this.#seen = this.#halves[this.#half] ?? 0;
    this.#given = Atomics.load(taken, 0);
  }

  /** Whether something was taken out since this was asked last. */
  hasNew(): boolean {
    const seen = this.#halves[this.#half] ?? 0;
    if (seen === this.#seen) return false;
    this.#seen = seen;
    return true;
  }

  /** Whether packet `i` of the last burst was taken out. */
  has(i: number): boolean {
    return this.lane.reason(i) === this.reason;
  }

  /** What was given away and not taken over yet. */
  get waiting(): number {
    return (this.#given - Atomics.load(this.taken, 0)) >>> 0;
  }

  given(count: number): void {
    this.#given = (this.#given + count) >>> 0;
  }

  /** Counts one that too much was waiting for. */
  drop(counter: Counter): void {
    this.#counters[counter] = (this.#counters[counter] ?? 0n) + 1n;
  }
}
