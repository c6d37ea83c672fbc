// `bunnel up` against the bare path: the same client and server, the same transfers, with the service up in one half of
// the runs. What was not there before it has 0 as its reference.
import { compileProgram } from "./compile.ts";
import { interleave, measure, type Series } from "./rounds.ts";
import { pairedRowOf, rowOf, type Budget, type Row } from "./row.ts";
import { APART, ServicePath } from "./service-run.ts";
import { prepareNetwork, type Stage } from "./stage.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const ROUNDS = 5;
/** Pairs of runs in a round, one with the service and one without: each is short, and their ratios are many. */
const PAIRS = 3;

interface ServiceRow {
  readonly name: string;
  readonly measure: string;
  readonly unit: string;
  readonly budget?: Budget;
  /** The least of all rounds counts: it is short, and whatever else runs can only add to it. */
  readonly least?: boolean;
}

const SHARED_ROWS: readonly ServiceRow[] = [
  { name: "bulk TCP up", measure: "upload", unit: "Gbit/s", budget: { of: "ratio", atLeast: 0.95 } },
  { name: "bulk TCP down", measure: "download", unit: "Gbit/s", budget: { of: "ratio", atLeast: 0.95 } },
  { name: "bulk TCP both ways", measure: "both", unit: "Gbit/s", budget: { of: "ratio", atLeast: 0.95 } },
  { name: "connect", measure: "connectUs", unit: "us", budget: { of: "difference", atMost: 100 } },
  { name: "connect, hello, answer", measure: "answerUs", unit: "us" },
];

const OWN_ROWS: readonly ServiceRow[] = [
  {
    name: "start until up, least",
    measure: "startMs",
    unit: "ms",
    budget: { of: "difference", atMost: 300 },
    least: true,
  },
  { name: "peak memory", measure: "memoryMb", unit: "MB", budget: { of: "difference", atMost: 120 } },
];

/** Of one run by itself. */
const FLOW_ROWS: readonly ServiceRow[] = [
  { name: "memory after 100 000 flows", measure: "flowsMb", unit: "MB", budget: { of: "difference", atMost: 120 } },
  { name: "added by 400 000 more", measure: "moreMb", unit: "MB", budget: { of: "difference", atMost: 8 } },
];

export const serviceSuite: Suite = {
  title: "service: bunnel up (nft) on the client, tls: split(1, midsld) disorder",
  async *run(stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
    const isWanted = ({ name }: ServiceRow): boolean => options.wants(name);
    if (![...SHARED_ROWS, ...OWN_ROWS, ...FLOW_ROWS].some(isWanted)) return;
    prepareNetwork("service");
    const programs = {
      bulk: compileProgram("bulk", stage.folder),
      connect: compileProgram("connect", stage.folder),
    };
    const path = await ServicePath.open(stage, programs, APART);
    if ([...SHARED_ROWS, ...OWN_ROWS].some(isWanted)) {
      options.say("service: with and without bunnel up");
      const series = await interleave(
        [
          { name: "bare", run: () => path.measure() },
          { name: "ours", run: () => path.measureThroughService() },
        ],
        PAIRS * (options.rounds ?? ROUNDS),
      );
      for (const row of SHARED_ROWS.filter(isWanted)) {
        const ours = measure(series, "ours", row.measure);
        yield pairedRowOf(labelOf(row, "bare path"), measure(series, "bare", row.measure), ours);
      }
      yield* ownRows(OWN_ROWS.filter(isWanted), series);
    }
    if (!FLOW_ROWS.some(isWanted)) return;
    options.say("service: new flows");
    yield* ownRows(FLOW_ROWS.filter(isWanted), await interleave([{ name: "ours", run: () => path.measureFlows() }], 1));
  },
};

/** What was not there without the service. */
function* ownRows(rows: readonly ServiceRow[], series: Series): Generator<Row> {
  for (const row of rows) {
    const all = measure(series, "ours", row.measure);
    const ours = row.least === true ? [Math.min(...all)] : all;
    yield rowOf(
      labelOf(row, "nothing"),
      ours.map(() => 0),
      ours,
    );
  }
}

function labelOf({ name, unit, budget }: ServiceRow, against: string) {
  return { suite: "service", name, unit, against, ...(budget === undefined ? {} : { budget }) };
}
