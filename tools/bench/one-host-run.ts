// Runs of programs that need one host only, in a namespace of its own with the program's device.
import type { Namespace } from "./namespace.ts";
import type { Sample } from "./rounds.ts";
import type { Stage } from "./stage.ts";

const DEVICE = "benchA";
const OTHER_DEVICE = "benchB";
const HOST = "192.0.2.1";
const PEER = "192.0.2.77";
const PORT = "5999";
const PACKET_BYTES = "64";
const FLOWS = "4";
const LOAD_SECONDS = "60";
/** One behind the other, until the run-time has compiled all of the way. */
const WARM_UP_PINGS = "20000";
const WARM_UP_PAUSE_US = "0";
const PINGS = "5000";
const PAUSE_US = "200";
const IDLE_MS = 1000;
const QUEUES_WARM_UP_MS = 1000;
const QUEUES_MS = 1000;
/** Of a million packets each; the first compiles the loop. */
const HEAP_ROUNDS = 3;

/** The load programs, compiled. */
export interface OneHostPrograms {
  readonly ping: string;
  readonly drain: string;
  readonly torrent: string;
}

/** A command line to which devices' names and more are added. */
export type Program = readonly string[];

function furnish(host: Namespace): void {
  host.ip(`address add ${HOST}/24 dev ${DEVICE}`);
  host.ip(`link set ${DEVICE} up`);
}

/** Round trip of a datagram that the program answers, microseconds, and its processor seconds per idle second. */
export async function runEcho(stage: Stage, { ping }: OneHostPrograms, program: Program): Promise<Sample> {
  try {
    const host = stage.namespace("a");
    const echo = await stage.spawn([...program, DEVICE], { namespace: host }).ready();
    furnish(host);
    const call = (count: string, pauseUs: string): Promise<Sample> =>
      stage.spawn([ping, PEER, PORT, count, pauseUs], { namespace: host }).json();
    await call(WARM_UP_PINGS, WARM_UP_PAUSE_US);
    const { p50Us = Number.NaN } = await call(PINGS, PAUSE_US);
    const before = await echo.ask("");
    await Bun.sleep(IDLE_MS);
    const after = await echo.ask("");
    const used = (after["cpuSeconds"] ?? Number.NaN) - (before["cpuSeconds"] ?? Number.NaN);
    return { p50Us, idle: used / (IDLE_MS / 1000) };
  } finally {
    stage.clear();
  }
}

/** Thousands of packets per second that the program writes into the queues of one device. */
export async function runQueues(
  stage: Stage,
  { drain }: OneHostPrograms,
  program: Program,
  queues: number,
): Promise<Sample> {
  try {
    const host = stage.namespace("a");
    const command = [...program, DEVICE, String(queues), HOST, PORT];
    const writer = await stage.spawn(command, { namespace: host }).ready();
    furnish(host);
    await stage.spawn([drain, HOST, PORT], { namespace: host }).ready();
    await writer.ask("");
    await Bun.sleep(QUEUES_WARM_UP_MS);
    const before = await writer.ask("");
    await Bun.sleep(QUEUES_MS);
    const after = await writer.ask("");
    const difference = (name: string): number => (after[name] ?? Number.NaN) - (before[name] ?? Number.NaN);
    return { perSecond: difference("packets") / difference("seconds") / 1000 };
  } finally {
    stage.clear();
  }
}

/** Octets by which the heap grows for a packet, in the round where it grows most, after the loop is compiled. */
export async function runHeap(stage: Stage, { torrent }: OneHostPrograms, program: Program): Promise<Sample> {
  try {
    const host = stage.namespace("a");
    const path = await stage.spawn([...program, DEVICE, OTHER_DEVICE], { namespace: host }).ready();
    furnish(host);
    host.ip(`link set ${OTHER_DEVICE} up`);
    stage.spawn([torrent, PEER, PORT, PACKET_BYTES, FLOWS, LOAD_SECONDS], { namespace: host });
    let perPacket = 0;
    for (let round = 0; round < HEAP_ROUNDS; round++) {
      const { grownBytes = Number.NaN, packets = Number.NaN } = await path.ask("");
      if (round > 0) perPacket = Math.max(perPacket, grownBytes / packets);
    }
    return { perPacket };
  } finally {
    stage.clear();
  }
}
