// `bunnel up` against the bare path: the same client and server, the same transfers, with the service up in one half of
// the runs. What was not there before it has 0 as its reference.
import { BULK_WAYS, measureBulk, type BulkHalf, type BulkPair, type BulkWay } from "./bulk-run.ts";
import { interleave, measure, type Series } from "./rounds.ts";
import { pairedRowOf, rowOf, type Budget, type Row } from "./row.ts";
import { ON_ONE, ServiceHosts } from "./service-hosts.ts";
import { ServiceRuns } from "./service-run.ts";
import { prepareNetwork, type Stage } from "./stage.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const ROUNDS = 5;
/** Pairs of runs in a round, one with the service and one without: each is short, and their ratios are many. */
const CONNECT_PAIRS = 3;
/** Starts in a round of each kind. */
const STARTS = 3;

interface ServiceRow {
  readonly name: string;
  readonly measure: string;
  readonly unit: string;
  readonly budget?: Budget;
  /** The least of all rounds counts: it is short, and whatever else runs can only add to it. */
  readonly least?: boolean;
}

interface BulkRow {
  readonly name: string;
  readonly way: BulkWay;
  readonly of: keyof BulkHalf;
  readonly unit: string;
  readonly budget?: Budget;
}

const WAY_NAMES: Readonly<Record<BulkWay, string>> = { up: "up", down: "down", both: "both ways" };

const BULK_ROWS: readonly BulkRow[] = BULK_WAYS.flatMap((way): BulkRow[] => {
  const name = `bulk TCP ${WAY_NAMES[way]}`;
  const perOctet = { of: "nanosecondsPerOctet", unit: "ns/octet", budget: { of: "ratio", atMost: 1.05 } } as const;
  return [
    { name, way, of: "gigabitsPerSecond", unit: "Gbit/s", budget: { of: "ratio", atLeast: 0.95 } },
    { name: `${name}, processor time`, way, ...perOctet },
    { name: `${name}, without the service's own`, way, of: "kernelNanosecondsPerOctet", unit: "ns/octet" },
    { name: `${name}, service's own`, way, of: "servicePercent", unit: "% of one" },
  ];
});

const CONNECT_ROWS: readonly ServiceRow[] = [
  { name: "connect", measure: "connectUs", unit: "us", budget: { of: "difference", atMost: 100 } },
  { name: "connect, hello, answer", measure: "answerUs", unit: "us" },
];

const MEMORY_ROW: ServiceRow = {
  ...{ name: "peak memory", measure: "memoryMb", unit: "MB" },
  budget: { of: "difference", atMost: 120 },
};

const START_BUDGET: Budget = { of: "difference", atMost: 300 };
const START_ROWS: readonly ServiceRow[] = [
  { name: "start until up, least", measure: "startMs", unit: "ms", budget: START_BUDGET, least: true },
  { name: "start until up", measure: "startMs", unit: "ms" },
  { name: "start until up, a stream rule, least", measure: "streamStartMs", unit: "ms", least: true },
  { name: "start until up, a stream rule", measure: "streamStartMs", unit: "ms" },
];

/** Of one run by itself. */
const FLOW_ROWS: readonly ServiceRow[] = [
  { name: "memory after 100 000 flows", measure: "flowsMb", unit: "MB", budget: { of: "difference", atMost: 120 } },
  { name: "added by 400 000 more", measure: "moreMb", unit: "MB", budget: { of: "difference", atMost: 8 } },
];

export const serviceSuite: Suite = {
  title: "service: bunnel up (nft) on the client, tls: split(1, midsld) disorder",
  async *run(stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
    const isWanted = ({ name }: { readonly name: string }): boolean => options.wants(name);
    const all = [...BULK_ROWS, ...CONNECT_ROWS, MEMORY_ROW, ...START_ROWS, ...FLOW_ROWS];
    if (!all.some(isWanted)) return;
    prepareNetwork("service");
    const rounds = options.rounds ?? ROUNDS;
    const runs = new ServiceRuns(await ServiceHosts.open(stage, ON_ONE, 2));
    const bulk = BULK_ROWS.filter(isWanted);
    if (bulk.length > 0) {
      options.say("service: bulk with and without bunnel up");
      yield* bulkRows(bulk, await bulkPairs(runs, bulk, rounds));
    }
    if ([...CONNECT_ROWS, MEMORY_ROW].some(isWanted)) {
      options.say("service: connections with and without bunnel up");
      const series = await interleave(
        [
          { name: "bare", run: () => runs.measureConnect() },
          { name: "ours", run: () => runs.measureConnectThroughService() },
        ],
        CONNECT_PAIRS * rounds,
      );
      for (const row of CONNECT_ROWS.filter(isWanted)) {
        const ours = measure(series, "ours", row.measure);
        yield pairedRowOf(labelOf(row, "bare path"), measure(series, "bare", row.measure), ours);
      }
      yield* ownRows([MEMORY_ROW].filter(isWanted), series);
    }
    if (START_ROWS.some(isWanted)) {
      options.say("service: starts");
      const starts = await interleave([{ name: "ours", run: () => runs.measureStart() }], STARTS * rounds);
      yield* ownRows(START_ROWS.filter(isWanted), starts);
    }
    if (!FLOW_ROWS.some(isWanted)) return;
    options.say("service: new flows");
    yield* ownRows(FLOW_ROWS.filter(isWanted), await interleave([{ name: "ours", run: () => runs.measureFlows() }], 1));
  },
};

async function bulkPairs(runs: ServiceRuns, rows: readonly BulkRow[], rounds: number): Promise<BulkPair[]> {
  const ways = BULK_WAYS.filter((way) => rows.some((row) => row.way === way));
  const pairs: BulkPair[] = [];
  for (let round = 0; round < rounds; round++) {
    pairs.push(...(await measureBulk(runs.hosts, runs.profile, { ways, round })));
  }
  return pairs;
}

function* bulkRows(rows: readonly BulkRow[], all: readonly BulkPair[]): Generator<Row> {
  for (const row of rows) {
    const pairs = all.filter(({ way }) => way === row.way);
    const of = (half: "bare" | "ours"): number[] => pairs.map((pair) => pair[half][row.of]);
    yield pairedRowOf(labelOf(row, row.of === "servicePercent" ? "nothing" : "bare path"), of("bare"), of("ours"));
  }
}

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

function labelOf({ name, unit, budget }: Pick<ServiceRow, "name" | "unit" | "budget">, against: string) {
  return { suite: "service", name, unit, against, ...(budget === undefined ? {} : { budget }) };
}
