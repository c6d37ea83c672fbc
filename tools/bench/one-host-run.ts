// Runs of programs that need one host only, in a namespace of its own with the program's device.
import { restingSeconds, type Live } from "./live.ts";
import type { Namespace } from "./namespace.ts";
import { threadSeconds } from "./processor-time.ts";
import type { Sample } from "./rounds.ts";
import type { Stage } from "./stage.ts";

const DEVICE = "benchA";
const OTHER_DEVICE = "benchB";
const HOST = "192.0.2.1";
const PEER = "192.0.2.77";
const PORT = "5999";
const PACKET_BYTES = "64";
const FLOWS = "4";
const LOAD_SECONDS = "0.1";
/** Where they meet by chance makes the round trip three times as long or not, so they are told where to run. */
const PROGRAM_CPU = 0;
const OTHER_CPU = navigator.hardwareConcurrency > 1 ? 1 : 0;
/** One behind the other, until the run-time has compiled all of the way. */
const WARM_UP_CALL = "20000 0";
/** So many pings in a turn, and microseconds between them. */
const CALL = "150 200";
const QUEUES_WARM_UP_MS = 1000;
const QUEUES_MS = 200;

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

/** Whether who asks runs on the processor of who answers, or on another one that sleeps meanwhile. */
export type EchoPlace = "same" | "other";

/** Keeps the processors of an echo and of who asks it from going idle. */
export async function keepAwake({ stage, awake }: { readonly stage: Stage; readonly awake: string }): Promise<void> {
  for (const cpu of new Set([PROGRAM_CPU, OTHER_CPU])) await stage.spawn([awake], { cpu }).ready();
}

/**
 * Round trip of a datagram that the program answers, microseconds; and its processor seconds in a second between its
 * turns, in which nothing comes.
 */
export async function openEcho(
  stage: Stage,
  { ping }: OneHostPrograms,
  program: Program,
  place: EchoPlace,
): Promise<Live> {
  const host = stage.namespace("a");
  const options = { namespace: host, cpu: PROGRAM_CPU, priority: 1 };
  const echo = await stage.spawn([...program, DEVICE], options).ready();
  furnish(host);
  const cpu = place === "same" ? PROGRAM_CPU : OTHER_CPU;
  // Before who answers, so that an answer is there when it is written, whatever its writer does next.
  const caller = await stage.spawn([ping, PEER, PORT], { namespace: host, cpu, priority: 2 }).ready();
  const rest = async (): Promise<Rest> => ({ since: Bun.nanoseconds(), used: await restingSeconds(echo.pid) });
  await caller.ask(WARM_UP_CALL);
  let rested = await rest();
  return {
    turn: async () => {
      const { since, used } = rested;
      const idle = (threadSeconds(echo.pid) - used) / ((Bun.nanoseconds() - since) / 1e9);
      const { p50Us = Number.NaN } = await caller.ask(CALL);
      rested = await rest();
      return { p50Us, idle };
    },
  };
}

interface Rest {
  readonly since: number;
  readonly used: number;
}

/**
 * Thousands of packets that the program writes into the queues of one device: in a second, and in one in which each of
 * its threads had a processor for itself.
 */
export async function openQueues(
  stage: Stage,
  { drain }: OneHostPrograms,
  program: Program,
  queues: number,
): Promise<Live> {
  const host = stage.namespace("a");
  const command = [...program, DEVICE, String(queues), HOST, PORT];
  const writer = await stage.spawn(command, { namespace: host }).ready();
  furnish(host);
  for (let queue = 0; queue < queues; queue++) {
    await stage.spawn([drain, HOST, String(Number(PORT) + queue)], { namespace: host }).ready();
  }
  const write = async (forMs: number): Promise<Sample> => {
    const used = await restingSeconds(writer.pid);
    const begin = await writer.ask("write");
    await Bun.sleep(forMs);
    const end = await writer.ask("rest");
    const cpuSeconds = (await restingSeconds(writer.pid)) - used;
    const { packets = Number.NaN } = await writer.ask("");
    const written = (packets - (begin["packets"] ?? Number.NaN)) / 1000;
    const seconds = (end["seconds"] ?? Number.NaN) - (begin["seconds"] ?? Number.NaN);
    return { perSecond: written / seconds, perRunSecond: (written * queues) / cpuSeconds };
  };
  await write(QUEUES_WARM_UP_MS);
  return { turn: () => write(QUEUES_MS) };
}

/** Octets by which the heap grows for a packet, after the loop is compiled. */
export async function openHeap(stage: Stage, { torrent }: OneHostPrograms, program: Program): Promise<Live> {
  const host = stage.namespace("a");
  const path = await stage.spawn([...program, DEVICE, OTHER_DEVICE], { namespace: host }).ready();
  furnish(host);
  host.ip(`link set ${OTHER_DEVICE} up`);
  const load = await stage.spawn([torrent, PEER, PORT, PACKET_BYTES, FLOWS], { namespace: host }).ready();
  const carry = async (): Promise<Sample> => {
    const carried = path.ask("");
    let isOver = false;
    const over = carried.finally(() => {
      isOver = true;
    });
    while (!isOver) await load.ask(LOAD_SECONDS);
    const { grownBytes = Number.NaN, packets = Number.NaN } = await over;
    return { perPacket: grownBytes / packets };
  };
  await carry();
  return { turn: carry };
}
