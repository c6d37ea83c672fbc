// The lane's end: queries that a rule took out of a burst are copied and given away. So many may wait to be taken over;
// what comes then is dropped and counted, and its sender asks again.
import {
  Counter,
  LANE_BYTES,
  LANE_WORDS,
  LANES_BASE,
  QUERIES_MAX,
  Reason,
  RESOLVER_BEFORE_BYTES,
  WORD_QUERIES_TAKEN,
} from "@bunnel/abi";
import { laneCounters, type Lane } from "@bunnel/engine";
import type { TakenQuery } from "./taken-query.ts";

const ANSWERED: number = Counter.Reasons + Reason.DropAnswered;

/** Word of a lane that counts the queries that were taken over. */
export function takenWord(memory: SharedArrayBuffer, laneIndex: number): Uint32Array {
  return new Uint32Array(memory, LANES_BASE + laneIndex * LANE_BYTES + LANE_WORDS + WORD_QUERIES_TAKEN, 1);
}

/** A lane's queries on their way to whoever answers them. */
export class QueryOutlet {
  /** As halves: of each counter the lower one tells whether it has changed. */
  readonly #counters: Uint32Array;
  readonly #dropped: BigUint64Array;
  readonly #view: DataView;
  readonly #taken: Uint32Array;
  #seen: number;
  #given: number;

  constructor(
    readonly lane: Lane,
    /** Called with each. */
    readonly give: (query: TakenQuery) => void,
  ) {
    const { memory, index } = lane;
    this.#dropped = laneCounters(memory, index);
    this.#counters = new Uint32Array(memory, this.#dropped.byteOffset, 2 * this.#dropped.length);
    this.#view = new DataView(memory);
    this.#taken = takenWord(memory, index);
    this.#seen = this.#counters[2 * ANSWERED] ?? 0;
    this.#given = Atomics.load(this.#taken, 0);
  }

  /** Gives away the queries of the burst of `came` packets, which still lie in their slots. */
  take(came: number): void {
    const seen = this.#counters[2 * ANSWERED] ?? 0;
    if (seen === this.#seen) return;
    this.#seen = seen;
    for (let i = 0; i < came; i++) {
      if (this.lane.meta(i).reason === Reason.DropAnswered) this.#giveOne(i);
    }
  }

  #giveOne(i: number): void {
    if (this.#given - Atomics.load(this.#taken, 0) >= QUERIES_MAX) {
      this.#dropped[Counter.QueriesDropped] = (this.#dropped[Counter.QueriesDropped] ?? 0n) + 1n;
      return;
    }
    this.#given = (this.#given + 1) >>> 0;
    const at = this.lane.rx.at[i] ?? 0;
    const before = at - RESOLVER_BEFORE_BYTES;
    const resolver = this.#copy(before + 2, this.#view.getUint16(before, true));
    const packet = this.#copy(at, this.lane.rx.lengths[i] ?? 0);
    this.give(resolver.length === 0 ? { packet } : { packet, resolver });
  }

  /** Out of the shared memory, which cannot travel. */
  #copy(at: number, bytes: number): Uint8Array {
    return Uint8Array.from(new Uint8Array(this.lane.memory, at, bytes));
  }
}
