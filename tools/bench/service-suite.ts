// `bunnel up` against the bare path: the same client and server, the same transfers, with the service up in part of the
// runs, in packet mode and with a rule whose flows are carried by sockets. What was not there before it has 0 as its
// reference.
import { compileProgram } from "./compile.ts";
import { interleave, measure } from "./rounds.ts";
import { rowOf, type Budget, type Row } from "./row.ts";
import { ServicePath } from "./service-run.ts";
import { prepareNetwork, type Stage } from "./stage.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const ROUNDS = 5;

interface ServiceRow {
  readonly name: string;
  readonly measure: string;
  readonly unit: string;
  readonly budget?: Budget;
}

const SHARED_ROWS: readonly ServiceRow[] = [
  { name: "bulk TCP up", measure: "upload", unit: "Gbit/s", budget: { of: "ratio", atLeast: 0.95 } },
  { name: "bulk TCP down", measure: "download", unit: "Gbit/s", budget: { of: "ratio", atLeast: 0.95 } },
  { name: "connect", measure: "connectUs", unit: "us", budget: { of: "difference", atMost: 100 } },
  { name: "connect, hello, answer", measure: "answerUs", unit: "us" },
];

const STREAM_ROWS: readonly ServiceRow[] = [
  { name: "stream: bulk TCP up", measure: "upload", unit: "Gbit/s", budget: { of: "ratio", atLeast: 0.25 } },
  { name: "stream: bulk TCP down", measure: "download", unit: "Gbit/s", budget: { of: "ratio", atLeast: 0.25 } },
  { name: "stream: connect", measure: "connectUs", unit: "us" },
];

const OWN_ROWS: readonly ServiceRow[] = [
  { name: "start until up", measure: "startMs", unit: "ms", budget: { of: "difference", atMost: 300 } },
  { name: "peak memory", measure: "memoryMb", unit: "MB", budget: { of: "difference", atMost: 120 } },
];

export const serviceSuite: Suite = {
  title: "service: bunnel up (nft) on the client, tls: split(1, midsld) disorder",
  async *run(stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
    const isWanted = ({ name }: ServiceRow): boolean => options.wants(name);
    if (![...SHARED_ROWS, ...STREAM_ROWS, ...OWN_ROWS].some(isWanted)) return;
    prepareNetwork("service");
    const programs = {
      bulk: compileProgram("bulk", stage.folder),
      connect: compileProgram("connect", stage.folder),
    };
    const path = await ServicePath.open(stage, programs);
    options.say("service: with and without bunnel up");
    const series = await interleave(
      [
        { name: "bare", run: () => path.measure() },
        { name: "ours", run: () => path.measureThroughService("packet") },
        ...(STREAM_ROWS.some(isWanted) ? [{ name: "stream", run: () => path.measureThroughService("stream") }] : []),
      ],
      options.rounds ?? ROUNDS,
    );
    for (const row of SHARED_ROWS.filter(isWanted)) {
      const ours = measure(series, "ours", row.measure);
      yield rowOf(labelOf(row, "bare path"), measure(series, "bare", row.measure), ours);
    }
    for (const row of STREAM_ROWS.filter(isWanted)) {
      const stream = measure(series, "stream", row.measure);
      yield rowOf(labelOf(row, "bare path"), measure(series, "bare", row.measure), stream);
    }
    for (const row of OWN_ROWS.filter(isWanted)) {
      const ours = measure(series, "ours", row.measure);
      const nothing = ours.map(() => 0);
      yield rowOf(labelOf(row, "nothing"), nothing, ours);
    }
  },
};

function labelOf({ name, unit, budget }: ServiceRow, against: string) {
  return { suite: "service", name, unit, against, ...(budget === undefined ? {} : { budget }) };
}
