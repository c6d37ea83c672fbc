// Our forwarder, a program of its own: two TUN devices joined by two lanes of the engine, a Worker for each direction.
//   bun forward-process.ts NAME_A NAME_B plain|offload|merge plain|uring
// "merge": A's packets are plain ones, and those of a flow reach B as one.
// Says "ready" when both lanes read. For each line that comes in on stdin, one line of JSON goes out, as the C
// forwarder's: packets and octets from A to B, processor seconds of all threads, seconds. Ends with its stdin.
import { Counter } from "@bunnel/abi";
import { startLaneWorker } from "@bunnel/backend";
import { DeviceEgress } from "@bunnel/egress";
import { Engine, laneCounters } from "@bunnel/engine";
import { openLinuxTun, type LinuxTun } from "@bunnel/tun-linux";

const MAX_FLOWS = 114_688;
const QUEUE_PACKETS = 1024;
/** The lane that carries packets from A to B. */
const LANE_FORTH = 0;
const LANE_BACK = 1;

const [nameA = "", nameB = "", way = "plain", backend = "plain"] = Bun.argv.slice(2);
const pump = backend === "uring" ? "uring" : "plain";
const engine = await Engine.create({ maxFlows: MAX_FLOWS });
const deviceA = openLinuxTun({ name: nameA, offload: way === "offload", up: false });
const deviceB = openLinuxTun({ name: nameB, offload: way !== "plain", up: false });
await Promise.all([startLane(LANE_FORTH, deviceA, deviceB), startLane(LANE_BACK, deviceB, deviceA)]);
console.log("ready");
for await (const _ of console) console.log(JSON.stringify(snapshot()));
process.exit(0);

async function startLane(laneIndex: number, from: LinuxTun, to: LinuxTun): Promise<void> {
  const worker = new Worker(new URL("./forward-worker.ts", import.meta.url));
  const vnet = { rxVnet: from.capabilities.vnetHeader, txVnet: to.capabilities.vnetHeader };
  const thread = startLaneWorker(worker, {
    engine: engine.transfer,
    laneIndex,
    lane: { plan: false, track: true, ...vnet },
    device: from,
    egress: new DeviceEgress(to),
    maxQueueSize: QUEUE_PACKETS,
    pump,
  });
  void thread.ended.then((cause) => {
    console.error(cause?.message ?? `lane ${laneIndex} ended`);
    process.exit(1);
  });
  await thread.ready;
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
