// Packets between real devices: ours against C programs that do the same work on each packet, merge by the same rules
// and make the same system calls, in the same run.
import { FORWARD_KINDS, type ForwardKind, type ForwardParts, type ForwardRow } from "./forward-rows.ts";
import { compileProgram } from "./compile.ts";
import { interleave, measure, type Series } from "./rounds.ts";
import { rowOf, type Row } from "./row.ts";
import { prepareNetwork, type Stage } from "./stage.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const ROUNDS = 7;

export const forwardSuite: Suite = {
  title: "forward: TUN A to TUN B, one thread for each direction, bursts of 64; and devices of one host",
  async *run(stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
    prepareNetwork("forward");
    for (const kind of FORWARD_KINDS) yield* runKind(kind, stage, options);
  },
};

/** Gives the rows of a kind that are asked for; each candidate runs once a round, however many rows it serves. */
async function* runKind(kind: ForwardKind, stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
  const rows = kind.rows.filter(({ name }) => options.wants(name));
  if (rows.length === 0) return;
  const parts = compileParts(stage);
  const candidates = [...new Set(rows.flatMap(({ against, ours }) => [against, ours]))];
  options.say(`forward: ${candidates.join(", ")}`);
  const series = await interleave(
    candidates.map((name) => ({ name, run: () => kind.run(parts, name) })),
    options.rounds ?? ROUNDS,
  );
  for (const row of rows) yield read(series, row);
}

function read(series: Series, { name, against, ours, unit, measure: of, budget }: ForwardRow): Row {
  const label = { suite: "forward", name, unit, against, ...(budget === undefined ? {} : { budget }) };
  return rowOf(label, measure(series, against, of), measure(series, ours, of));
}

function compileParts(stage: Stage): ForwardParts {
  const names = ["bulk", "drain", "echo", "forward", "ping", "queues", "torrent"] as const;
  const paths = names.map((name) => [name, compileProgram(name, stage.folder)] as const);
  return { stage, ...(Object.fromEntries(paths) as Record<(typeof names)[number], string>) };
}
