// What a relay counts, in memory that both threads see.
import type { RelayStats } from "../relay-options.ts";

const NAMES = [
  "accepted",
  "open",
  "connecting",
  "finished",
  "reset",
  "refused",
  "unknown",
  "idled",
  "overLimit",
  "treated",
  "bytesOut",
  "bytesIn",
] as const satisfies readonly (keyof RelayStats)[];
/** The name of a counter. */
export type CounterName = (typeof NAMES)[number];

const PLACES = Object.fromEntries(NAMES.map((name, index) => [name, index])) as Readonly<Record<CounterName, number>>;

export class Counters {
  readonly #values: Float64Array;

  constructor(readonly memory = new SharedArrayBuffer(NAMES.length * 8)) {
    this.#values = new Float64Array(memory);
  }

  add(name: CounterName, count = 1): void {
    const place = PLACES[name];
    this.#values[place] = (this.#values[place] ?? 0) + count;
  }

  read(): RelayStats {
    return Object.fromEntries(NAMES.map((name) => [name, this.#values[PLACES[name]] ?? 0])) as unknown as RelayStats;
  }
}
