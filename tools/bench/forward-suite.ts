// A forwarder between two real devices: ours against the C program that does the same work per packet and makes the
// same system calls. Datagrams show the cost of a packet, a TCP stream what a user sees.
import { join } from "node:path";
import { compileProgram } from "./compile.ts";
import { DEVICE_A, DEVICE_B, runDatagrams, runStream, type Forwarder, type LoadPrograms } from "./forward-run.ts";
import { runPump } from "./pump-suite.ts";
import { interleave, measure, type Sample } from "./rounds.ts";
import { rowOf, type Budget, type Row } from "./row.ts";
import { prepareNetwork, type Stage } from "./stage.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const ROUNDS = 5;
const DATAGRAM_SECONDS = 1;
const STREAM_SECONDS = 2;
const PACKET_BYTES = 64;
const BURST = 64;
const BUDGET: Budget = { of: "ratio", atLeast: 0.97 };

type Mode = "plain" | "offload";
type Load = "datagrams" | "stream";

interface ForwardRow {
  readonly name: string;
  readonly mode: Mode;
  readonly load: Load;
  readonly measure: string;
  readonly unit: string;
  readonly budget?: Budget;
}

const ROWS: readonly ForwardRow[] = (["plain", "offload"] as const).flatMap((mode) => [
  {
    name: `UDP ${PACKET_BYTES} octets, ${mode}`,
    mode,
    load: "datagrams",
    measure: "perCpuSecond",
    unit: "k packets/CPU-s",
    budget: BUDGET,
  },
  { name: `TCP, ${mode}`, mode, load: "stream", measure: "perSecond", unit: "Gbit/s", budget: BUDGET },
  { name: `TCP, ${mode}, by CPU`, mode, load: "stream", measure: "perCpuSecond", unit: "Gbit/CPU-s" },
]);

export const forwardSuite: Suite = {
  title: `forward: TUN A to TUN B, one thread for each direction, bursts of ${BURST}`,
  async *run(stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
    prepareNetwork("forward");
    yield* runLoops(stage, options);
    yield* runPump(stage, options);
  },
};

async function* runLoops(stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
  const wanted = ROWS.filter(({ name }) => options.wants(name));
  if (wanted.length === 0) return;
  const { folder } = stage;
  const programs = {
    flood: compileProgram("flood", folder),
    drain: compileProgram("drain", folder),
    bulk: compileProgram("bulk", folder),
  };
  const twin = compileProgram("forward", folder);
  for (const [mode, load] of kindsOf(wanted)) {
    options.say(`forward: ${load}, ${mode}`);
    const run = (forwarder: Forwarder) => runLoad(stage, programs, forwarder, load);
    const devices = [DEVICE_A, DEVICE_B, mode];
    const series = await interleave(
      [
        { name: "C", run: () => run([twin, ...devices, String(BURST)]) },
        { name: "ours", run: () => run([process.execPath, join(import.meta.dir, "forward-process.ts"), ...devices]) },
      ],
      options.rounds ?? ROUNDS,
    );
    for (const row of wanted.filter((each) => each.mode === mode && each.load === load)) {
      const { name, unit, budget } = row;
      const label = { suite: "forward", name, unit, against: "C -O3", ...(budget === undefined ? {} : { budget }) };
      yield rowOf(label, measure(series, "C", row.measure), measure(series, "ours", row.measure));
    }
  }
}

function runLoad(stage: Stage, programs: LoadPrograms, forwarder: Forwarder, load: Load): Promise<Sample> {
  if (load === "stream") return runStream(stage, programs, forwarder, STREAM_SECONDS);
  return runDatagrams(stage, programs, forwarder, PACKET_BYTES, DATAGRAM_SECONDS);
}

/** One load run serves all rows that are read from it. */
function kindsOf(rows: readonly ForwardRow[]): readonly (readonly [Mode, Load])[] {
  const kinds = new Map(rows.map(({ mode, load }) => [`${mode} ${load}`, [mode, load] as const]));
  return [...kinds.values()];
}
