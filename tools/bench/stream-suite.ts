// Sockets between against the bare path: the same client and server, the same transfers, some of the runs through a
// relay, and some with the service up, which translates to one.
import { interleave, measure } from "./rounds.ts";
import { rowOf, type Budget, type Row } from "./row.ts";
import { ServiceHosts } from "./service-hosts.ts";
import { ServiceRuns } from "./service-run.ts";
import { prepareNetwork, type Stage } from "./stage.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const ROUNDS = 5;

interface StreamRow {
  readonly name: string;
  readonly measure: string;
  readonly unit: string;
  readonly budget?: Budget;
  /** There is nothing of it on the bare path. */
  readonly isOwn?: true;
  /** Through the device, not through the relay alone. */
  readonly isDevice?: true;
}

/** What a chain of TUN and SOCKS in C reaches of the bare path is 0.25 (anchors). */
const BULK: Budget = { of: "ratio", atLeast: 0.25 };

const ROWS: readonly StreamRow[] = [
  { name: "bulk TCP up", measure: "upload", unit: "Gbit/s", budget: BULK },
  { name: "bulk TCP down", measure: "download", unit: "Gbit/s", budget: BULK },
  { name: "connect", measure: "connectUs", unit: "us" },
  { name: "connect, hello, answer", measure: "answerUs", unit: "us" },
  { name: "peak memory", measure: "memoryMb", unit: "MB", isOwn: true },
  { name: "bulk TCP up, bunnel up", measure: "upload", unit: "Gbit/s", budget: BULK, isDevice: true },
  { name: "bulk TCP down, bunnel up", measure: "download", unit: "Gbit/s", budget: BULK, isDevice: true },
  { name: "bulk TCP both ways, bunnel up", measure: "both", unit: "Gbit/s", budget: BULK, isDevice: true },
  { name: "connect, bunnel up", measure: "connectUs", unit: "us", isDevice: true },
  { name: "connect, hello, answer, bunnel up", measure: "answerUs", unit: "us", isDevice: true },
  { name: "peak memory, bunnel up", measure: "memoryMb", unit: "MB", isOwn: true, isDevice: true },
];

export const streamSuite: Suite = {
  title: "stream: a relay of sockets on the client, tls: split(1, midsld); the same behind bunnel up",
  async *run(stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
    const wanted = ROWS.filter(({ name }) => options.wants(name));
    if (wanted.length === 0) return;
    prepareNetwork("stream");
    const path = new ServiceRuns(await ServiceHosts.open(stage));
    const isDevice = wanted.some((row) => row.isDevice === true);
    const isRelay = wanted.some((row) => row.isDevice !== true);
    options.say("stream: with and without a relay, and bunnel up");
    const series = await interleave(
      [
        { name: "bare", run: () => path.measure() },
        ...(isRelay ? [{ name: "relay", run: () => path.measureThroughRelay() }] : []),
        ...(isDevice ? [{ name: "device", run: () => path.measureThroughDevice() }] : []),
      ],
      options.rounds ?? ROUNDS,
    );
    for (const { name, measure: what, unit, budget, isOwn, isDevice: throughDevice } of wanted) {
      const ours = measure(series, throughDevice === true ? "device" : "relay", what);
      const bare = isOwn ? ours.map(() => 0) : measure(series, "bare", what);
      const against = isOwn ? "nothing" : "bare path";
      yield rowOf({ suite: "stream", name, unit, against, ...(budget && { budget }) }, bare, ours);
    }
  },
};
