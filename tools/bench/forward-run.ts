// One run of a forwarder between two namespaces:
//
//   A 192.0.2.1 ── benchA ─┐                ┌─ benchB ── 192.0.2.2 B
//                          └─ forwarder, F ─┘
//
// The forwarder opens both devices in its own namespace and says "ready"; then each moves to the host it belongs to.
import type { Child } from "./child.ts";
import { restingSeconds, type Live } from "./live.ts";
import type { Namespace } from "./namespace.ts";
import { threadSeconds } from "./processor-time.ts";
import type { Sample } from "./rounds.ts";
import type { Stage } from "./stage.ts";

export const DEVICE_A = "benchA";
export const DEVICE_B = "benchB";
const ADDRESS_A = "192.0.2.1";
const ADDRESS_B = "192.0.2.2";
const PORT = "5999";
const MTU_BYTES = 1500;
const QUEUE_PACKETS = 1000;
/** One processor forwards, and has the ends of streams, too; the other one makes the load, if there are two. */
const FORWARDER_CPU = 0;
const LOAD_CPU = navigator.hardwareConcurrency > 1 ? 1 : 0;
/** Until the run-time has compiled what is hot, on the same processor: after half a second ours was a tenth lower. */
const WARM_UP_CPU_SECONDS = 5;
const COMPILED_WARM_UP_CPU_SECONDS = 0.5;
const WARM_UP_TURNS_MAX = 60;
const WARM_UP_TURN_SECONDS = 0.5;
const FLOOD_FLOWS = 16;

/** The load programs, compiled. */
export interface LoadPrograms {
  readonly torrent: string;
  readonly drain: string;
  readonly bulk: string;
}

/** The forwarder's command line, and whether it is one that compiles itself while it runs. */
export interface Forwarder {
  readonly command: readonly string[];
  readonly isCompiled: boolean;
}

interface Path {
  readonly isCompiled: boolean;
  readonly forwarder: Child;
  readonly a: Namespace;
  readonly b: Namespace;
}

/**
 * Packets per processor second of the forwarder, in thousands, while more packets come than it can take. What it takes
 * by the clock belongs to whoever else is on its processor.
 */
export async function openDatagrams(
  stage: Stage,
  programs: LoadPrograms,
  forwarder: Forwarder,
  packetBytes: number,
  seconds: number,
): Promise<Live> {
  const path = await openPath(stage, forwarder);
  await stage.spawn([programs.drain, ADDRESS_B, PORT], { namespace: path.b }).ready();
  const words = [programs.torrent, ADDRESS_B, PORT, String(packetBytes), String(FLOOD_FLOWS)];
  const torrent = await stage.spawn(words, { namespace: path.a, cpu: LOAD_CPU, priority: 1 }).ready();
  const turn = (): Promise<Sample> => measureTurn(path.forwarder, () => torrent.ask(String(seconds)));
  await warmUp(path, () => torrent.ask(String(WARM_UP_TURN_SECONDS)));
  return { turn };
}

/** Gbit/s of one TCP stream, as its receiver sees it, and Gbit per processor second of the forwarder. */
export async function openStream(
  stage: Stage,
  programs: LoadPrograms,
  forwarder: Forwarder,
  seconds: number,
): Promise<Live> {
  const path = await openPath(stage, forwarder);
  const words = [programs.bulk, "serve", ADDRESS_B, PORT, "sink", "0"];
  const sink = await stage.spawn(words, { namespace: path.b, cpu: FORWARDER_CPU }).ready();
  const send = async (forSeconds: number): Promise<Sample> => {
    const command = [programs.bulk, "up", ADDRESS_B, PORT, String(forSeconds)];
    const sender = stage.spawn(command, { namespace: path.a, cpu: FORWARDER_CPU });
    const received = await sink.json();
    await sender.ended();
    return received;
  };
  await warmUp(path, () => send(WARM_UP_TURN_SECONDS));
  return {
    turn: async () => {
      let received: Sample = {};
      const { cpuSeconds = Number.NaN } = await measureTurn(path.forwarder, async () => {
        received = await send(seconds);
      });
      const gigabits = ((received["bytes"] ?? 0) * 8) / 1e9;
      return { perSecond: gigabits / (received["seconds"] ?? Number.NaN), perCpuSecond: gigabits / cpuSeconds };
    },
  };
}

/** Lets load come until the forwarder has used its time for getting warm. @throws Error when it never does */
async function warmUp({ forwarder, isCompiled }: Path, load: () => Promise<unknown>): Promise<void> {
  const seconds = isCompiled ? COMPILED_WARM_UP_CPU_SECONDS : WARM_UP_CPU_SECONDS;
  const target = (await restingSeconds(forwarder.pid)) + seconds;
  for (let turn = 0; turn < WARM_UP_TURNS_MAX; turn++) {
    await load();
    if (threadSeconds(forwarder.pid) >= target) return;
  }
  const found = `found less after ${WARM_UP_TURNS_MAX} turns`;
  throw new Error(`forwarder: expected ${seconds} s of processor time, ${found}`);
}

/** What the forwarder does between two moments at which it rests. */
async function measureTurn(forwarder: Child, load: () => Promise<unknown>): Promise<Sample> {
  const { packets: first = Number.NaN } = await forwarder.ask("");
  const before = await restingSeconds(forwarder.pid);
  await load();
  const cpuSeconds = (await restingSeconds(forwarder.pid)) - before;
  const { packets = Number.NaN } = await forwarder.ask("");
  return { cpuSeconds, perCpuSecond: (packets - first) / cpuSeconds / 1000 };
}

async function openPath(stage: Stage, { command, isCompiled }: Forwarder): Promise<Path> {
  const middle = stage.namespace("f");
  const a = stage.namespace("a");
  const b = stage.namespace("b");
  const forwarder = await stage.spawn(command, { namespace: middle, cpu: FORWARDER_CPU, priority: 1 }).ready();
  furnish(middle, a, DEVICE_A, ADDRESS_A, ADDRESS_B);
  furnish(middle, b, DEVICE_B, ADDRESS_B, ADDRESS_A);
  return { isCompiled, forwarder, a, b };
}

function furnish(from: Namespace, to: Namespace, device: string, address: string, peer: string): void {
  from.ip(`link set ${device} netns ${to.name}`);
  to.ip(`address add ${address}/32 dev ${device}`);
  to.ip(`link set ${device} mtu ${MTU_BYTES} txqueuelen ${QUEUE_PACKETS} up`);
  to.ip(`route add ${peer}/32 dev ${device}`);
}
