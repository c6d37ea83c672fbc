// Packets between real devices: ours against C programs that do the same work on each packet, merge by the same rules
// and make the same system calls, in the same run.
import { FORWARD_KINDS, type ForwardKind, type ForwardParts, type ForwardRow } from "./forward-rows.ts";
import { compileProgram } from "./compile.ts";
import { interleave, measure, type Candidate, type Series } from "./rounds.ts";
import { pairedRowOf, type Row } from "./row.ts";
import { prepareNetwork, type Stage } from "./stage.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

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
  const all: Series[] = [];
  for (let start = 0; start < kind.starts; start++) {
    all.push(await runStart(kind, parts, candidates, options.rounds ?? kind.turns));
  }
  for (const row of rows) yield read(all, row);
}

/** Starts all of them, and lets them take turns. */
async function runStart(
  kind: ForwardKind,
  parts: ForwardParts,
  names: readonly string[],
  turns: number,
): Promise<Series> {
  try {
    await kind.prepare?.(parts);
    const candidates: Candidate[] = [];
    for (const name of names) {
      const live = await kind.open(parts, name);
      candidates.push({ name, run: () => live.turn() });
    }
    return await interleave(candidates, turns);
  } finally {
    parts.stage.clear();
  }
}

function read(all: readonly Series[], { name, against, ours, unit, measure: of, budget }: ForwardRow): Row {
  const label = { suite: "forward", name, unit, against, ...(budget === undefined ? {} : { budget }) };
  const samples = (candidate: string): number[] => all.flatMap((series) => measure(series, candidate, of));
  return pairedRowOf(label, samples(against), samples(ours));
}

function compileParts(stage: Stage): ForwardParts {
  const names = ["awake", "bulk", "drain", "echo", "forward", "ping", "queues", "torrent"] as const;
  const paths = names.map((name) => [name, compileProgram(name, stage.folder)] as const);
  return { stage, ...(Object.fromEntries(paths) as Record<(typeof names)[number], string>) };
}
