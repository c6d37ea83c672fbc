// Joins two networks that have nothing in common, as fast as they can talk. The left device has offload: what it sends
// comes as super-packets of up to 64 KiB, which are cut for the right one, and what that sends is merged on the way
// back. A Worker for each direction moves bursts in one memory: no packet is copied here, and no thread but them is
// busy.
//
//   bun docs/examples/offload-wire.ts
import { isMainThread } from "node:worker_threads";
import { Engine } from "../../packages/engine/src/index.ts"; // "@bunnel/engine"
import {
  createNamespace,
  openTun,
  routes,
  Wake,
  type DeviceHandOver,
  type NetworkNamespace,
  type Tun,
} from "../../packages/tun/src/index.ts"; // "@bunnel/tun"
// "@bunnel/tun-linux"
import { eventOf, openPump, openTransferredTun, portOf, PumpedTun } from "../../packages/tun-linux/src/index.ts";

const OCTETS = 16_000_000;
const SERVER = "203.0.113.1";
const CURL = ["curl", "--silent", "--show-error", "--max-time", "60"];

/** Which way a Worker carries. */
interface Way {
  readonly from: DeviceHandOver;
  readonly to: DeviceHandOver;
}

if (isMainThread) await main();
else addEventListener("message", ({ data }: MessageEvent<Way>) => void carry(data));

/** Reads bursts until somebody wakes it. What the other device has no room for is lost, as on any link. */
async function carry(way: Way): Promise<void> {
  const [from, to] = [openTransferredTun(way.from), openTransferredTun(way.to)];
  const vnet = { rxVnet: from.capabilities.vnetHeader, txVnet: to.capabilities.vnetHeader };
  const engine = await Engine.create();
  const lane = engine.lane(0, { plan: false, track: false, ...vnet });
  const { memory, rings, rx, tx, slotPacketBytes } = lane;
  using pump = openPump({ memory, rings, ports: [portOf(from), portOf(to, false)], eventFd: eventOf(from) });
  const [input, output] = [new PumpedTun(from, pump, 0), new PumpedTun(to, pump, 1, lane)];
  postMessage("ready");
  for (;;) {
    const came = input.read(rx, 0, slotPacketBytes);
    if (came > 0) lane.work(came, Date.now() >>> 0, () => output.write(tx, 0, lane.txCount));
    else if (input.wait(-1) !== Wake.Readable) break;
  }
  postMessage("ended");
}

async function main(): Promise<void> {
  using left = createNamespace();
  using right = createNamespace();
  using here = device(left, "left0", "192.0.2.1/24", true);
  using there = device(right, "right0", `${SERVER}/24`, false);
  console.log(`left0 leaves to us: ${here.offloads.join(", ")}`);
  const workers = [await start(here, there), await start(there, here)];

  const line = crypto.getRandomValues(new Uint8Array(1000)).toHex();
  const content = line.repeat(OCTETS / line.length);
  const fetch = async (request: Request) =>
    request.method === "PUT" ? new Response(sha256(await request.bytes())) : new Response(content);
  const server = right.run(() => Bun.serve({ hostname: SERVER, port: 80, maxRequestBodySize: OCTETS, fetch }));
  const curl = (...words: string[]) =>
    left.run(() => Bun.spawn([...CURL, ...words, `http://${SERVER}/`], { stdin: new Blob([content]) }));
  const down = await new Response(curl().stdout).bytes();
  console.log(`down: ${down.length} octets, digests ${sha256(down) === sha256(content) ? "equal" : "differ"}`);
  const up = await new Response(curl("--upload-file", "-").stdout).text();
  console.log(`up: ${OCTETS} octets, digests ${up === sha256(content) ? "equal" : "differ"}`);
  await server.stop(true);

  for (const tun of [here, there]) tun.wake();
  await Promise.all(workers.map(({ ended }) => ended));
  for (const tun of [here, there]) {
    const { sentPackets, receivedPackets } = tun.interface.info().statistics;
    console.log(`${tun.name}: ${sentPackets} packets from its system, ${receivedPackets} to it`);
  }
}

function device(namespace: NetworkNamespace, name: string, address: string, offload: boolean): Tun {
  return namespace.run(() => {
    const tun = openTun({ name, addresses: [address], ipv6LinkLocal: "none", offload, txQueueLength: 2000 });
    routes.add({ family: 4, index: tun.index });
    return tun;
  });
}

/** Resolves when the Worker carries; what it says at its end comes later. */
async function start(from: Tun, to: Tun): Promise<{ readonly ended: Promise<void> }> {
  const worker = new Worker(import.meta.url);
  const [ready, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  worker.onmessage = ({ data }: MessageEvent<"ready" | "ended">) => (data === "ready" ? ready : ended).resolve();
  worker.onerror = ({ message }) => ready.reject(new Error(message));
  worker.postMessage({ from: from.handOver(), to: to.handOver() } satisfies Way);
  await ready.promise;
  return { ended: ended.promise.finally(() => worker.terminate()) };
}

function sha256(octets: string | Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(octets).digest("hex");
}
