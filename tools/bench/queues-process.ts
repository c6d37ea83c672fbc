// Our writer of several queues, a program of its own:  bun queues-process.ts plain|uring NAME QUEUES DESTINATION PORT
// Says and answers what c/queues.c does.
import { LANES_MAX } from "@bunnel/abi";
import type { DeviceHandOver } from "@bunnel/device";
import { Engine } from "@bunnel/engine";
import { openLinuxTun, openTunQueue } from "@bunnel/tun-linux";
import { udpPacket } from "@bunnel/wire";
import type { QueueStart } from "./queues-worker.ts";

const PACKET_BYTES = 64;
const HEADERS_BYTES = 28;
const FIRST_PORT = 40_000;

const [backend = "plain", name = "", queues = "1", destination = "", port = ""] = Bun.argv.slice(2);
const engine = await Engine.create();
const written = new Float64Array(new SharedArrayBuffer(LANES_MAX * 8));
const first = openLinuxTun({ name, up: false, multiQueue: true, ipv6LinkLocal: "none" });
const devices = [first, ...Array.from({ length: Number(queues) - 1 }, () => openTunQueue(first))];
const turn = new Int32Array(new SharedArrayBuffer(4));
for (const [laneIndex, device] of devices.entries()) start(laneIndex, device.handOver());
console.log("ready");
for await (const line of console) {
  if (line === "write" || line === "rest") {
    Atomics.store(turn, 0, line === "write" ? 1 : 0);
    Atomics.notify(turn, 0);
  }
  const packets = written.reduce((sum, count) => sum + count, 0);
  console.log(JSON.stringify({ packets, seconds: Bun.nanoseconds() / 1e9 }));
}
process.exit(0);

function start(laneIndex: number, device: DeviceHandOver): void {
  const packet = udpPacket({
    source: "192.0.2.9",
    destination,
    sourcePort: FIRST_PORT + laneIndex,
    destinationPort: Number(port) + laneIndex,
    checksum: 0,
    payload: new Uint8Array(PACKET_BYTES - HEADERS_BYTES),
  });
  const worker = new Worker(new URL("./queues-worker.ts", import.meta.url));
  worker.addEventListener("error", ({ message }) => {
    console.error(message);
    process.exit(1);
  });
  const kind = backend === "uring" ? "uring" : "plain";
  const parts = { engine: engine.transfer, laneIndex, device, turn };
  worker.postMessage({ ...parts, backend: kind, packet, written } satisfies QueueStart);
}
