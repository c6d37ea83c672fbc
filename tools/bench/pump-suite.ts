// The rows of the pump in the forward suite: the same system calls from C in the same run. The C programs do the
// engine's work on each packet and merge by the same rules.
import { join } from "node:path";
import { compileProgram } from "./compile.ts";
import { DEVICE_A, DEVICE_B, runDatagrams, runStream } from "./forward-run.ts";
import { runEcho, runHeap, runQueues, type OneHostPrograms } from "./pump-run.ts";
import { interleave, measure, type Sample, type Series } from "./rounds.ts";
import { rowOf, type Budget, type Row } from "./row.ts";
import type { Stage } from "./stage.ts";
import type { SuiteOptions } from "./suite.ts";

const ROUNDS = 5;
const DATAGRAM_SECONDS = 1;
const STREAM_SECONDS = 2;
const PACKET_BYTES = 64;
const AS_FAST: Budget = { of: "ratio", atLeast: 0.97 };

/** A row that is read from a series: one candidate against another. */
interface PumpRow {
  readonly name: string;
  readonly against: string;
  readonly ours: string;
  readonly measure: string;
  readonly unit: string;
  readonly budget?: Budget;
}

/** Candidates that take turns, and the rows that are read from them. */
interface PumpKind {
  readonly rows: readonly PumpRow[];
  run(parts: Parts, candidate: string): Promise<Sample>;
}

interface Parts extends OneHostPrograms {
  readonly stage: Stage;
  readonly bulk: string;
  readonly pump: string;
  readonly echo: string;
  readonly queues: string;
}

const DATAGRAM_UNIT = { measure: "perCpuSecond", unit: "k packets/CPU-s" } as const;
const SMALL = `UDP ${PACKET_BYTES} octets, pump`;

const DATAGRAMS: PumpKind = {
  rows: [
    { name: SMALL, against: "C plain plain", ours: "ours plain plain", budget: AS_FAST, ...DATAGRAM_UNIT },
    { name: `${SMALL}, io_uring`, against: "C plain uring", ours: "ours plain uring", ...DATAGRAM_UNIT },
    { name: `${SMALL}, merged`, against: "C merge plain", ours: "ours merge plain", ...DATAGRAM_UNIT },
    { name: `${SMALL}, merged, io_uring`, against: "C merge uring", ours: "ours merge uring", ...DATAGRAM_UNIT },
    {
      name: `${SMALL}, merged, io_uring`,
      against: "C plain plain",
      ours: "ours merge uring",
      budget: { of: "ratio", atLeast: 1.6 },
      ...DATAGRAM_UNIT,
    },
  ],
  run: ({ stage, torrent, drain, bulk, ...parts }, candidate) =>
    runDatagrams(stage, { flood: torrent, drain, bulk }, forwarderOf(parts, candidate), PACKET_BYTES, DATAGRAM_SECONDS),
};

const STREAMS: PumpKind = {
  rows: (["plain", "uring"] as const).flatMap((backend) => [
    {
      name: `TCP, offload, pump${backend === "uring" ? ", io_uring" : ""}`,
      against: "C offload plain",
      ours: `ours offload ${backend}`,
      measure: "perSecond",
      unit: "Gbit/s",
      budget: AS_FAST,
    },
    {
      name: `TCP, offload, pump${backend === "uring" ? ", io_uring" : ""}, by CPU`,
      against: "C offload plain",
      ours: `ours offload ${backend}`,
      measure: "perCpuSecond",
      unit: "Gbit/CPU-s",
    },
  ]),
  run: ({ stage, torrent, drain, bulk, ...parts }, candidate) =>
    runStream(stage, { flood: torrent, drain, bulk }, forwarderOf(parts, candidate), STREAM_SECONDS),
};

const QUEUE_UNIT = { measure: "perSecond", unit: "k packets/s" } as const;

const QUEUES: PumpKind = {
  rows: [
    { name: "write, pump, two queues", against: "C 2 plain", ours: "ours 2 plain", ...QUEUE_UNIT },
    {
      name: "write, pump, two queues",
      against: "ours 1 plain",
      ours: "ours 2 plain",
      budget: { of: "ratio", atLeast: 1.6 },
      ...QUEUE_UNIT,
    },
    { name: "write, pump, two queues", against: "C 1 plain", ours: "C 2 plain", ...QUEUE_UNIT },
    { name: "write, pump, io_uring", against: "ours 1 plain", ours: "ours 1 uring", ...QUEUE_UNIT },
  ],
  run: ({ stage, queues, ...parts }, candidate) => {
    const [who = "", count = "1", backend = "plain"] = candidate.split(" ");
    return runQueues(stage, parts, who === "C" ? [queues] : [...script("pump-queues"), backend], Number(count));
  },
};

const ECHO: PumpKind = {
  rows: (["plain", "uring"] as const).flatMap((backend) => [
    {
      name: `echo, pump, ${backend}`,
      against: "C",
      ours: `ours ${backend}`,
      measure: "p50Us",
      unit: "us",
      budget: { of: "ratio", atMost: 1 },
    },
    {
      name: `idle, pump, ${backend}`,
      against: "C",
      ours: `ours ${backend}`,
      measure: "idle",
      unit: "CPU-s/s",
      budget: { of: "difference", atMost: 0.01 },
    },
  ]),
  run: ({ stage, echo, ...parts }, candidate) => {
    const [who = "", backend = ""] = candidate.split(" ");
    return runEcho(stage, parts, who === "C" ? [echo] : [...script("pump-echo"), backend]);
  },
};

const HEAP: PumpKind = {
  rows: (["plain", "uring"] as const).map((backend) => ({
    name: `heap growth, pump, ${backend}`,
    against: "nothing",
    ours: `ours ${backend}`,
    measure: "perPacket",
    unit: "octets/packet",
    budget: { of: "difference", atMost: 0.1 },
  })),
  run: ({ stage, ...parts }, candidate) => {
    if (candidate === "nothing") return Promise.resolve({ perPacket: 0 });
    return runHeap(stage, parts, [...script("pump-heap"), candidate.split(" ")[1] ?? ""]);
  },
};

const KINDS: readonly PumpKind[] = [DATAGRAMS, STREAMS, QUEUES, ECHO, HEAP];

/** Gives the rows of the pump that are asked for. */
export async function* runPump(stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
  for (const kind of KINDS) {
    const rows = kind.rows.filter(({ name }) => options.wants(name));
    if (rows.length === 0) continue;
    const parts = compileParts(stage);
    const candidates = [...new Set(rows.flatMap(({ against, ours }) => [against, ours]))];
    options.say(`forward: ${candidates.join(", ")}`);
    const series = await interleave(
      candidates.map((name) => ({ name, run: () => kind.run(parts, name) })),
      options.rounds ?? ROUNDS,
    );
    for (const row of rows) yield read(series, row);
  }
}

function read(series: Series, { name, against, ours, unit, measure: of, budget }: PumpRow): Row {
  const label = { suite: "forward", name, unit, against, ...(budget === undefined ? {} : { budget }) };
  return rowOf(label, measure(series, against, of), measure(series, ours, of));
}

function compileParts(stage: Stage): Parts {
  const { folder } = stage;
  const names = ["ping", "drain", "torrent", "bulk", "pump", "echo", "queues"] as const;
  const paths = names.map((name) => [name, compileProgram(name, folder)] as const);
  return { stage, ...(Object.fromEntries(paths) as Record<(typeof names)[number], string>) };
}

/** "ours merge uring": who, which devices, which pump. */
function forwarderOf({ pump }: Pick<Parts, "pump">, candidate: string): readonly string[] {
  const [who = "", way = "", backend = ""] = candidate.split(" ");
  return [...(who === "C" ? [pump] : script("pump-process")), DEVICE_A, DEVICE_B, way, backend];
}

function script(name: string): readonly string[] {
  return [process.execPath, join(import.meta.dir, `${name}.ts`)];
}
