// Our forwarder over pumps, a program of its own: two TUN devices joined by two lanes of the engine, a Worker for each
// direction.
//   bun pump-process.ts NAME_A NAME_B plain|offload|merge plain|uring
// "merge": A's packets are plain ones, and those of a flow reach B as one.
// Says "ready" when both lanes read. For each line that comes in on stdin, one line of JSON goes out, as the C
// forwarder's: packets and octets from A to B, processor seconds of all threads, seconds. Ends with its stdin.
import { Counter } from "@bunnel/abi";
import { Engine, laneCounters } from "@bunnel/engine";
import { openLinuxTun, type LinuxTun } from "@bunnel/tun-linux";
import type { PumpMode, PumpSaid, PumpStart } from "./pump-worker.ts";

const MAX_FLOWS = 114_688;
/** The lane that carries packets from A to B. */
const LANE_FORTH = 0;
const LANE_BACK = 1;

const [nameA = "", nameB = "", way = "plain", backend = "plain"] = Bun.argv.slice(2);
const mode: PumpMode = { backend: backend === "uring" ? "uring" : "plain", merge: way === "merge" };
const engine = await Engine.create({ maxFlows: MAX_FLOWS });
const deviceA = openLinuxTun({ name: nameA, offload: way === "offload", up: false });
const deviceB = openLinuxTun({ name: nameB, offload: way !== "plain", up: false });
await Promise.all([start(LANE_FORTH, deviceA, deviceB), start(LANE_BACK, deviceB, deviceA)]);
console.log("ready");
for await (const _ of console) console.log(JSON.stringify(snapshot()));
process.exit(0);

async function start(laneIndex: number, from: LinuxTun, to: LinuxTun): Promise<void> {
  const worker = new Worker(new URL("./pump-worker.ts", import.meta.url));
  const ready = Promise.withResolvers<void>();
  worker.addEventListener("message", ({ data }: MessageEvent<PumpSaid>) => {
    if (data.said === "ready") return ready.resolve();
    console.error(data.said === "failed" ? data.message : `lane ${laneIndex} ended`);
    process.exit(1);
  });
  const parts = { engine: engine.transfer, laneIndex, from: from.handOver(), to: to.handOver() };
  worker.postMessage({ ...mode, ...parts } satisfies PumpStart);
  await ready.promise;
}

function snapshot(): Record<string, number> {
  const counters = laneCounters(engine.memory, LANE_FORTH);
  const cpu = process.cpuUsage();
  return {
    packets: Number(counters[Counter.PacketsIn] ?? 0n),
    bytes: Number(counters[Counter.BytesIn] ?? 0n),
    refused: Number(counters[Counter.EgressRefused] ?? 0n),
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    turns: Number(counters[Counter.Turns] ?? 0n),
    seconds: Bun.nanoseconds() / 1e9,
  };
}
