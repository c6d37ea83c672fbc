// The lane's end: queries that a rule took out of a burst are copied and given away. So many may wait to be taken over;
// what comes then is dropped and counted, and its sender asks again.
import { Counter, QUERIES_MAX, Reason, RESOLVER_BEFORE_BYTES, WORD_QUERIES_TAKEN } from "@bunnel/abi";
import type { Lane } from "@bunnel/engine";
import { LaneOutlet, takenWordOf } from "../lane-outlet.ts";
import type { TakenQuery } from "./taken-query.ts";

/** Word of a lane that counts the queries that were taken over. */
export function takenWord(memory: SharedArrayBuffer, laneIndex: number): Uint32Array {
  return takenWordOf(memory, laneIndex, WORD_QUERIES_TAKEN);
}

/** A lane's queries on their way to whoever answers them. */
export class QueryOutlet {
  readonly #outlet: LaneOutlet;
  readonly #view: DataView;

  constructor(
    readonly lane: Lane,
    /** Called with each. */
    readonly give: (query: TakenQuery) => void,
  ) {
    const { memory, index } = lane;
    this.#outlet = new LaneOutlet(lane, Reason.DropAnswered, takenWord(memory, index));
    this.#view = new DataView(memory);
  }

  /** Gives away the queries of the burst of `came` packets, which still lie in their slots. */
  take(came: number): void {
    if (!this.#outlet.hasNew()) return;
    for (let i = 0; i < came; i++) {
      if (this.#outlet.has(i)) this.#giveOne(i);
    }
  }

  #giveOne(i: number): void {
    if (this.#outlet.waiting >= QUERIES_MAX) {
      this.#outlet.drop(Counter.QueriesDropped);
      return;
    }
    this.#outlet.given(1);
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
