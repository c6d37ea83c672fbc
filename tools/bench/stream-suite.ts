// A relay of sockets against the bare path: the same client and server, the same transfers, with the relay between in
// one half of the runs.
import { compileProgram } from "./compile.ts";
import { interleave, measure } from "./rounds.ts";
import { rowOf, type Budget, type Row } from "./row.ts";
import { ServicePath } from "./service-run.ts";
import { prepareNetwork, type Stage } from "./stage.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const ROUNDS = 5;

interface StreamRow {
  readonly name: string;
  readonly measure: string;
  readonly unit: string;
  readonly budget?: Budget;
  /** There is nothing of it without a relay. */
  readonly isOwn?: true;
}

/** What a chain of TUN and SOCKS in C reaches of the bare path is 0.25 (anchors). */
const BULK: Budget = { of: "ratio", atLeast: 0.25 };

const ROWS: readonly StreamRow[] = [
  { name: "bulk TCP up", measure: "upload", unit: "Gbit/s", budget: BULK },
  { name: "bulk TCP down", measure: "download", unit: "Gbit/s", budget: BULK },
  { name: "connect", measure: "connectUs", unit: "us" },
  { name: "connect, hello, answer", measure: "answerUs", unit: "us" },
  { name: "peak memory", measure: "memoryMb", unit: "MB", isOwn: true },
];

export const streamSuite: Suite = {
  title: "stream: a relay of sockets on the client, tls: split(1, midsld)",
  async *run(stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
    const wanted = ROWS.filter(({ name }) => options.wants(name));
    if (wanted.length === 0) return;
    prepareNetwork("stream");
    const programs = {
      bulk: compileProgram("bulk", stage.folder),
      connect: compileProgram("connect", stage.folder),
    };
    const path = await ServicePath.open(stage, programs);
    options.say("stream: with and without a relay");
    const series = await interleave(
      [
        { name: "bare", run: () => path.measure() },
        { name: "ours", run: () => path.measureThroughRelay() },
      ],
      options.rounds ?? ROUNDS,
    );
    for (const { name, measure: what, unit, budget, isOwn } of wanted) {
      const ours = measure(series, "ours", what);
      const bare = isOwn ? ours.map(() => 0) : measure(series, "bare", what);
      const against = isOwn ? "nothing" : "bare path";
      yield rowOf({ suite: "stream", name, unit, against, ...(budget && { budget }) }, bare, ours);
    }
  },
};
