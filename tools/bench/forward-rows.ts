// What the forward suite measures: kinds of runs, and the rows that are read from each. A candidate is named by its
// words: "ours merge uring" is our forwarder between such devices over such a pump.
import { join } from "node:path";
import { DEVICE_A, DEVICE_B, openDatagrams, openStream, type Forwarder } from "./forward-run.ts";
import type { Live } from "./live.ts";
import { keepAwake, openEcho, openHeap, openQueues } from "./one-host-run.ts";
import type { Budget } from "./row.ts";
import type { Stage } from "./stage.ts";

const DATAGRAM_SECONDS = 0.1;
const STREAM_SECONDS = 0.15;
const PACKET_BYTES = 64;
const AS_FAST: Budget = { of: "ratio", atLeast: 0.97 };
const FASTER: Budget = { of: "ratio", atLeast: 1.6 };

/** A row that is read from a series: one candidate against another. */
export interface ForwardRow {
  readonly name: string;
  readonly against: string;
  readonly ours: string;
  readonly measure: string;
  readonly unit: string;
  readonly budget?: Budget;
}

/** Candidates that take turns, and the rows that are read from them. */
export interface ForwardKind {
  readonly rows: readonly ForwardRow[];
  /** How often each candidate is started anew: how a program comes to lie in memory is chance, too. */
  readonly starts: number;
  /** Turns that each has behind a start. */
  readonly turns: number;
  /** Before the first candidate of a start. */
  prepare?(parts: ForwardParts): Promise<void>;
  /** Starts a candidate and warms it up. */
  open(parts: ForwardParts, candidate: string): Promise<Live>;
}

/** The C programs, compiled. */
export interface ForwardParts {
  readonly stage: Stage;
  readonly awake: string;
  readonly bulk: string;
  readonly drain: string;
  readonly echo: string;
  readonly forward: string;
  readonly ping: string;
  readonly queues: string;
  readonly torrent: string;
}

const DATAGRAM_UNIT = { measure: "perCpuSecond", unit: "k packets/CPU-s" } as const;
const SMALL = `UDP ${PACKET_BYTES} octets`;

const DATAGRAMS: ForwardKind = {
  starts: 2,
  turns: 14,
  rows: [
    { name: `${SMALL}, plain`, against: "C plain plain", ours: "ours plain plain", budget: AS_FAST, ...DATAGRAM_UNIT },
    {
      name: `${SMALL}, io_uring`,
      against: "C plain uring",
      ours: "ours plain uring",
      budget: AS_FAST,
      ...DATAGRAM_UNIT,
    },
    { name: `${SMALL}, merged`, against: "C merge plain", ours: "ours merge plain", budget: AS_FAST, ...DATAGRAM_UNIT },
    {
      name: `${SMALL}, merged, io_uring`,
      against: "C merge uring",
      ours: "ours merge uring",
      budget: AS_FAST,
      ...DATAGRAM_UNIT,
    },
    {
      name: `${SMALL}, merged, io_uring`,
      against: "C plain plain",
      ours: "ours merge uring",
      budget: FASTER,
      ...DATAGRAM_UNIT,
    },
  ],
  open: (parts, candidate) =>
    openDatagrams(parts.stage, parts, forwarderOf(parts, candidate), PACKET_BYTES, DATAGRAM_SECONDS),
};

const STREAMS: ForwardKind = {
  starts: 2,
  turns: 20,
  rows: [
    ["plain", "C plain plain", "ours plain plain"],
    ["offload", "C offload plain", "ours offload plain"],
    ["offload, io_uring", "C offload plain", "ours offload uring"],
  ].flatMap(([way = "", against = "", ours = ""]) => [
    { name: `TCP, ${way}`, against, ours, measure: "perSecond", unit: "Gbit/s", budget: AS_FAST },
    // Without a budget: it tells whether a difference by the clock is the forwarder's or its processor's.
    { name: `TCP, ${way}, by CPU`, against, ours, measure: "perCpuSecond", unit: "Gbit/CPU-s" },
  ]),
  open: (parts, candidate) => openStream(parts.stage, parts, forwarderOf(parts, candidate), STREAM_SECONDS),
};

const QUEUE_UNIT = "k packets/s";

/** By the clock, and as if each thread had a processor for itself: what else runs there takes none of that. */
const QUEUES: ForwardKind = {
  starts: 2,
  turns: 12,
  rows: [
    { name: "write, one queue", against: "C 1 plain", ours: "ours 1 plain", measure: "perSecond", unit: QUEUE_UNIT },
    { name: "write, two queues", against: "C 2 plain", ours: "ours 2 plain", measure: "perSecond", unit: QUEUE_UNIT },
    ...["ours", "C"].flatMap((who) => [
      { name: "write, two queues", measure: "perSecond", ...twoQueues(who) },
      { name: "write, two queues, by CPU", measure: "perRunSecond", ...twoQueues(who) },
    ]),
    {
      name: "write, one queue, io_uring",
      against: "ours 1 plain",
      ours: "ours 1 uring",
      measure: "perSecond",
      unit: QUEUE_UNIT,
    },
  ],
  open: ({ stage, queues, ...parts }, candidate) => {
    const [who = "", count = "1", backend = "plain"] = candidate.split(" ");
    return openQueues(stage, parts, who === "C" ? [queues] : [...script("queues-process"), backend], Number(count));
  },
};

/** C's own ratio is what the machine can give. */
function twoQueues(who: string): Pick<ForwardRow, "against" | "ours" | "unit" | "budget"> {
  const row = { against: `${who} 1 plain`, ours: `${who} 2 plain`, unit: QUEUE_UNIT };
  return who === "C" ? row : { ...row, budget: FASTER };
}

const PUMPS = ["plain", "uring"] as const;

const ECHO: ForwardKind = {
  starts: 3,
  turns: 20,
  prepare: keepAwake,
  rows: [
    ...(["same", "other"] as const).flatMap((place) =>
      PUMPS.map((backend) => ({
        name: `echo, ${backend}, ${place} processor`,
        against: `C plain ${place}`,
        ours: `ours ${backend} ${place} read`,
        measure: "p50Us",
        unit: "us",
        budget: { of: "ratio", atMost: 1 } as const,
      })),
    ),
    // Where a thread sleeps unless it is told otherwise. It has no budget: C sleeps there, too.
    {
      name: "echo, plain, same processor, asleep in poll",
      against: "C plain same",
      ours: "ours plain same poll",
      measure: "p50Us",
      unit: "us",
    },
    {
      name: "echo, plain, other processor, busy poll",
      against: "C plain other",
      ours: "ours plain other busy",
      measure: "p50Us",
      unit: "us",
      budget: { of: "ratio", atMost: 1 },
    },
    ...PUMPS.map((backend) => ({
      name: `idle, ${backend}`,
      against: "C plain same",
      ours: `ours ${backend} same read`,
      measure: "idle",
      unit: "CPU-s/s",
      budget: { of: "difference", atMost: 0.01 } as const,
    })),
  ],
  open: ({ stage, echo, ...parts }, candidate) => {
    const [who = "", backend = "", place = "", sleep = ""] = candidate.split(" ");
    const program = who === "C" ? [echo] : [...script("echo-process"), backend, sleep];
    return openEcho(stage, parts, program, place === "same" ? "same" : "other");
  },
};

const HEAP: ForwardKind = {
  starts: 2,
  turns: 2,
  rows: PUMPS.map((backend) => ({
    name: `heap growth, ${backend}`,
    against: "nothing",
    ours: `ours ${backend}`,
    measure: "perPacket",
    unit: "octets/packet",
    budget: { of: "difference", atMost: 0.1 },
  })),
  open: ({ stage, ...parts }, candidate) => {
    if (candidate === "nothing") return Promise.resolve({ turn: () => Promise.resolve({ perPacket: 0 }) });
    return openHeap(stage, parts, [...script("heap-process"), candidate.split(" ")[1] ?? ""]);
  },
};

export const FORWARD_KINDS: readonly ForwardKind[] = [DATAGRAMS, STREAMS, QUEUES, ECHO, HEAP];

/** "ours merge uring": who, which devices, which pump. */
function forwarderOf({ forward }: ForwardParts, candidate: string): Forwarder {
  const [who = "", way = "", backend = ""] = candidate.split(" ");
  const isCompiled = who === "C";
  const program = isCompiled ? [forward] : script("forward-process");
  return { command: [...program, DEVICE_A, DEVICE_B, way, backend], isCompiled };
}

function script(name: string): readonly string[] {
  return [process.execPath, join(import.meta.dir, `${name}.ts`)];
}
