// One run of a forwarder between two namespaces:
//
//   A 192.0.2.1 ── benchA ─┐                ┌─ benchB ── 192.0.2.2 B
//                          └─ forwarder, F ─┘
//
// The forwarder opens both devices in its own namespace and says "ready"; then each moves to the host it belongs to.
import type { Child } from "./child.ts";
import { spend } from "./processor-time.ts";
import type { Namespace } from "./namespace.ts";
import type { Sample } from "./rounds.ts";
import type { Stage } from "./stage.ts";

export const DEVICE_A = "benchA";
export const DEVICE_B = "benchB";
const ADDRESS_A = "192.0.2.1";
const ADDRESS_B = "192.0.2.2";
const PORT = "5999";
const MTU_BYTES = 1500;
const QUEUE_PACKETS = 1000;
/** One processor forwards, the other one makes the load, as long as there are two. */
const FORWARDER_CPU = 0;
const LOAD_CPU = navigator.hardwareConcurrency > 1 ? 1 : 0;
/** Until the run-time has compiled what is hot, on the same processor: after half a second ours was a tenth lower. */
const WARM_UP_CPU_SECONDS = 2.5;
const STREAM_WARM_UP_SECONDS = 3;
const FLOOD_SECONDS = 60;
const FLOOD_FLOWS = 16;
const START_PACKETS = 2000;

/** The load programs, compiled. */
export interface LoadPrograms {
  readonly torrent: string;
  readonly drain: string;
  readonly bulk: string;
}

/** The forwarder's command line; it ends with nothing, the devices' names are its own affair. */
export type Forwarder = readonly string[];

interface Path {
  readonly forwarder: Child;
  readonly a: Namespace;
  readonly b: Namespace;
}

/**
 * Packets per processor second of the forwarder, in thousands, while more packets come than it can take. Warm-up and
 * measurement last until it has used so much processor time: a busy neighbour makes them longer and nothing else.
 */
export async function runDatagrams(
  stage: Stage,
  programs: LoadPrograms,
  forwarder: Forwarder,
  packetBytes: number,
  cpuSeconds: number,
): Promise<Sample> {
  try {
    const path = await openPath(stage, forwarder, FORWARDER_CPU);
    await stage.spawn([programs.drain, ADDRESS_B, PORT], { namespace: path.b }).ready();
    const load = [programs.torrent, ADDRESS_B, PORT, String(packetBytes), String(FLOOD_FLOWS), String(FLOOD_SECONDS)];
    stage.spawn(load, { namespace: path.a, cpu: LOAD_CPU });
    await packetsFlow(path.forwarder);
    await spend(path.forwarder.pid, WARM_UP_CPU_SECONDS);
    const before = await path.forwarder.ask("");
    await spend(path.forwarder.pid, cpuSeconds);
    const after = await path.forwarder.ask("");
    const packets = difference(after, before, "packets");
    return { perCpuSecond: packets / difference(after, before, "cpuSeconds") / 1000 };
  } finally {
    stage.clear();
  }
}

/** Gbit/s of one TCP stream, as its receiver sees it, and Gbit per processor second of the forwarder. */
export async function runStream(
  stage: Stage,
  programs: LoadPrograms,
  forwarder: Forwarder,
  seconds: number,
): Promise<Sample> {
  try {
    const path = await openPath(stage, forwarder, undefined);
    const sink = stage.spawn([programs.bulk, "serve", ADDRESS_B, PORT, "sink", "0"], { namespace: path.b });
    await sink.ready();
    const send = (forSeconds: number): Promise<Sample> => {
      stage.spawn([programs.bulk, "up", ADDRESS_B, PORT, String(forSeconds)], { namespace: path.a });
      return sink.json();
    };
    await send(STREAM_WARM_UP_SECONDS);
    const before = await path.forwarder.ask("");
    const received = await send(seconds);
    const after = await path.forwarder.ask("");
    const gigabits = ((received["bytes"] ?? 0) * 8) / 1e9;
    return {
      perSecond: gigabits / (received["seconds"] ?? Number.NaN),
      perCpuSecond: gigabits / difference(after, before, "cpuSeconds"),
    };
  } finally {
    stage.clear();
  }
}

async function openPath(stage: Stage, command: Forwarder, cpu: number | undefined): Promise<Path> {
  const middle = stage.namespace("f");
  const a = stage.namespace("a");
  const b = stage.namespace("b");
  const options = cpu === undefined ? { namespace: middle } : { namespace: middle, cpu };
  const forwarder = await stage.spawn(command, options).ready();
  furnish(middle, a, DEVICE_A, ADDRESS_A, ADDRESS_B);
  furnish(middle, b, DEVICE_B, ADDRESS_B, ADDRESS_A);
  return { forwarder, a, b };
}

function furnish(from: Namespace, to: Namespace, device: string, address: string, peer: string): void {
  from.ip(`link set ${device} netns ${to.name}`);
  to.ip(`address add ${address}/32 dev ${device}`);
  to.ip(`link set ${device} mtu ${MTU_BYTES} txqueuelen ${QUEUE_PACKETS} up`);
  to.ip(`route add ${peer}/32 dev ${device}`);
}

async function packetsFlow(forwarder: Child): Promise<void> {
  for (let waits = 0; waits < 100; waits++) {
    const { packets = 0 } = await forwarder.ask("");
    if (packets >= START_PACKETS) return;
    await Bun.sleep(20);
  }
  throw new Error(`forwarder: expected ${START_PACKETS} packets within two seconds, found fewer`);
}

function difference(after: Sample, before: Sample, name: string): number {
  return (after[name] ?? Number.NaN) - (before[name] ?? Number.NaN);
}
