// The engine against C programs of the same algorithms, over the same data. Both must find and write the same, octet
// for octet, or nothing is measured.
import { helloPart } from "./engine-hello-part.ts";
import { listPart } from "./engine-list-part.ts";
import { mixPart } from "./engine-mix-part.ts";
import type { EnginePart } from "./engine-part.ts";
import { EngineTwin } from "./engine-twin.ts";
import { FloodLanes, makeFloodMix } from "./flood-lanes.ts";
import { interleave, measure } from "./rounds.ts";
import { rowOf, type Row } from "./row.ts";
import type { Stage } from "./stage.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const ROUNDS = 15;
const FLOOD_THREADS = [1, 2] as const;
const FLOOD_ROUNDS = 11;
const FLOOD_PASSES = 12;
const SEED = 0x1234567890abcdefn;
const PARTS: readonly EnginePart[] = [mixPart, helloPart, listPart];

export const engineSuite: Suite = {
  title: "engine, in WebAssembly, against C at gcc -O3 (no -march)",
  async *run(stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
    for (const part of PARTS) {
      const rows = part.rows.filter(({ name }) => options.wants(name));
      if (rows.length === 0) continue;
      const series = await interleave(await part.candidates(stage), options.rounds ?? ROUNDS);
      for (const { name, unit, against, budget, measure: ours, reference } of rows) {
        const label = { suite: "engine", name, unit, against, ...(budget === undefined ? {} : { budget }) };
        yield rowOf(label, measure(series, "C", reference ?? ours), measure(series, "ours", ours));
      }
    }
    yield* measureFlood(stage, options);
  },
};

/** Every packet is a SYN of a flow that the table does not know; as many threads as `threads` says share the table. */
async function* measureFlood(stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
  for (const threads of FLOOD_THREADS) {
    const name = `flood of new flows, ${threads} ${threads === 1 ? "thread" : "threads"}`;
    if (!options.wants(name)) continue;
    const mix = makeFloodMix();
    const twin = new EngineTwin(stage.folder, mix, SEED);
    using lanes = await FloodLanes.open(mix, SEED, threads);
    const series = await interleave(
      [
        { name: "C", run: async () => twin.flood(FLOOD_PASSES, threads) },
        { name: "ours", run: () => lanes.flood(FLOOD_PASSES) },
      ],
      options.rounds ?? FLOOD_ROUNDS,
    );
    const millions = (who: string) => measure(series, who, "flowsPerSecond").map((flows) => flows / 1e6);
    const label = { suite: "engine", name, unit: "million/s", against: "C" };
    yield rowOf(label, millions("C"), millions("ours"));
  }
}
