// What the data path leaves on the heap of the thread that runs it, a program of its own:
//   bun pump-heap.ts plain|uring NAME_A NAME_B
// Says "ready" when both devices exist. For each line that comes in on stdin it carries PACKETS from A to B, merged,
// and says as one line of JSON by how many octets the heap grew.
import { heapSize } from "bun:jsc";
import { Engine } from "@bunnel/engine";
import { coalesceOf, eventOf, openLinuxTun, openPump, portOf } from "@bunnel/tun-linux";

const PACKETS = 200_000;

const [backend = "plain", nameA = "", nameB = ""] = Bun.argv.slice(2);
const engine = await Engine.create();
const lane = engine.lane(0, { plan: false, txVnet: true });
const a = openLinuxTun({ name: nameA, up: false, ipv6LinkLocal: "none" });
const b = openLinuxTun({ name: nameB, up: false, ipv6LinkLocal: "none", offload: true });
const { memory, rings } = lane;
const ports = [portOf(a), portOf(b, false)];
const kind = backend === "uring" ? "uring" : "plain";
const pump = openPump({ memory, rings, ports, eventFd: eventOf(a), backend: kind });
const allowed = coalesceOf(b.offloads);
console.log("ready");
for await (const _ of console) {
  const before = heapSize();
  const packets = carry();
  console.log(JSON.stringify({ packets, grownBytes: heapSize() - before }));
}
process.exit(0);

function carry(): number {
  let moved = 0;
  while (moved < PACKETS) {
    const came = pump.read(0, lane.rx, 0, lane.slotPacketBytes);
    if (came === 0) {
      pump.wait(-1);
      continue;
    }
    lane.poll(0, came, moved);
    const groups = lane.coalesce(0, lane.txCount, pump.base, allowed);
    pump.writeGroups(1, lane, groups);
    moved += came;
  }
  return moved;
}
