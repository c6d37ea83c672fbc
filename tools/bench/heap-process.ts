// What the data path leaves on the heap of the thread that runs it, a program of its own:
//   bun heap-process.ts plain|uring NAME_A NAME_B
// Says "ready" when both devices exist. For each line that comes in on stdin it carries PACKETS from A to B by the
// product's own loop, merged, and says as one line of JSON by how many octets the heap grew. Its capacity is looked at,
// behind a collection that left no room: its size counts nothing that was thrown away since.
import { gcAndSweep, heapStats } from "bun:jsc";
import { LaneLoop } from "@bunnel/backend";
import { DeviceEgress } from "@bunnel/egress";
import { Engine } from "@bunnel/engine";
import { eventOf, openLinuxTun, openPump, portOf, PumpedTun } from "@bunnel/tun-linux";

const PACKETS = 1_000_000;
const QUEUE_PACKETS = 1024;

const [backend = "plain", nameA = "", nameB = ""] = Bun.argv.slice(2);
const engine = await Engine.create();
const lane = engine.lane(0, { plan: false, txVnet: true });
const a = openLinuxTun({ name: nameA, up: false, ipv6LinkLocal: "none" });
const b = openLinuxTun({ name: nameB, up: false, ipv6LinkLocal: "none", offload: true });
const { memory, rings } = lane;
const ports = [portOf(a), portOf(b, false)];
const kind = backend === "uring" ? "uring" : "plain";
const pump = openPump({ memory, rings, ports, eventFd: eventOf(a), backend: kind });
const way = new DeviceEgress(new PumpedTun(b, pump, 1, lane));
const loop = new LaneLoop(new PumpedTun(a, pump, 0), way, lane, QUEUE_PACKETS);
console.log("ready");
for await (const _ of console) {
  gcAndSweep();
  const before = heapStats().heapCapacity;
  const packets = carry();
  console.log(JSON.stringify({ packets, grownBytes: heapStats().heapCapacity - before }));
}
process.exit(0);

function carry(): number {
  let moved = 0;
  while (moved < PACKETS) {
    const came = loop.turn();
    if (came === 0) pump.wait(-1);
    moved += came;
  }
  return moved;
}
