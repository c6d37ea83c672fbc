// The engine against C programs of the same algorithms, over the same data. Both must find and write the same, octet for
// octet, or nothing is measured.
import { helloPart } from "./engine-hello-part.ts";
import { listPart } from "./engine-list-part.ts";
import { mixPart } from "./engine-mix-part.ts";
import type { EnginePart } from "./engine-part.ts";
import { interleave, measure } from "./rounds.ts";
import { rowOf, type Row } from "./row.ts";
import type { Stage } from "./stage.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const ROUNDS = 15;
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
  },
};
