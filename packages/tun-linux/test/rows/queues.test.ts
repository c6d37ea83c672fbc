// needs root
// Several queues of one device. tun-rs: multi_queue, try_clone.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { PacketList } from "@bunnel/device";
import { NetworkNamespace, openTunQueue, type LinuxTun } from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { ipPacket } from "./packets.ts";
import { QUEUE_BYTES, type QueueOrder } from "./queue-worker.ts";
import { quietDevice, sysFile, tunDataOf } from "./witness.ts";

const QUEUES = 4;
const FLOWS = 64;
const PACKETS_PER_FLOW = 40;
const WAIT_MS = 20_000;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

/** Reads what waits; the source ports of the packets. */
function portsIn(device: LinuxTun): number[] {
  const memory = new Uint8Array(64 * 2048);
  const list: PacketList = {
    at: Uint32Array.from({ length: 64 }, (_, i) => i * 2048 + 128),
    lengths: new Uint16Array(64),
  };
  device.attach(memory.buffer);
  const count = device.read(list, 0, 1500);
  return Array.from(list.at.subarray(0, count), (at) => ((memory[at + 20] ?? 0) << 8) | (memory[at + 21] ?? 0));
}

describe("queues", () => {
  test("detached and attached: a queue that is out gets nothing, and loses what waited in it", () => {
    using first = quietDevice(namespace, { multiQueue: true });
    using second = openTunQueue(first);
    using socket = namespace.run(() => new PacketSocket(first.index));
    const ports = Array.from({ length: 40 }, (_, i) => 40_000 + i);
    const sendAll = () => {
      for (const port of ports) socket.send(ipPacket("192.0.2.7", "203.0.113.9", 60, port));
    };
    expect(tunDataOf(namespace, first.name)).toMatchObject({ numqueues: 2, numdisabled: 0 });

    sendAll();
    const [byFirst, bySecond] = [portsIn(first), portsIn(second)];
    expect(byFirst.length).toBeGreaterThan(0);
    expect(bySecond.length).toBeGreaterThan(0);
    expect([...byFirst, ...bySecond].toSorted((a, b) => a - b)).toEqual(ports);

    sendAll();
    second.set({ queue: "detached" });
    second.set({ queue: "detached" });
    expect(tunDataOf(namespace, first.name)).toMatchObject({ numqueues: 1, numdisabled: 1 });
    expect(second.state()).toMatchObject({ queue: "detached", queues: 1, detachedQueues: 1 });
    expect(portsIn(second)).toEqual([]);
    portsIn(first);
    sendAll();
    expect(portsIn(first)).toEqual(ports);
    expect(portsIn(second)).toEqual([]);

    second.set({ queue: "attached" });
    expect(tunDataOf(namespace, first.name)).toMatchObject({ numqueues: 2, numdisabled: 0 });
    sendAll();
    expect([...portsIn(first), ...portsIn(second)].toSorted((a, b) => a - b)).toEqual(ports);
  });

  test("an answer that goes out by a queue brings the rest of its flow there", () => {
    using first = quietDevice(namespace, { multiQueue: true });
    using second = openTunQueue(first);
    using socket = namespace.run(() => new PacketSocket(first.index));
    const packet = ipPacket("192.0.2.7", "203.0.113.9", 60, 40_000);
    socket.send(packet);
    const [from, to] = portsIn(first).length === 1 ? [first, second] : [second, first];
    portsIn(from);
    const answer = ipPacket("203.0.113.9", "192.0.2.7", 60, 9);
    new DataView(answer.buffer).setUint16(22, 40_000);
    expect(to.writev([answer])).toBe(true);
    socket.send(packet);
    expect([portsIn(from), portsIn(to)]).toEqual([[], [40_000]]);
  });

  test("each of a TAP device with offload has its own headers", () => {
    using first = quietDevice(namespace, { multiQueue: true, medium: "ethernet", offload: true, vnetHeaderBytes: 12 });
    using second = openTunQueue(first);
    expect(second.capabilities).toEqual(first.capabilities);
    expect(second.offloads).toEqual(first.offloads);
    expect(sysFile(namespace, first.name, "tun_flags")).toBe("0x5102");
  });

  test("one Worker each over one shared memory: real flows are spread, and each packet is read once", async () => {
    using first = quietDevice(namespace, { multiQueue: true, addresses: ["192.0.2.1/24"], txQueueLength: 10_000 });
    const queues = [first, ...Array.from({ length: QUEUES - 1 }, () => openTunQueue(first))];
    const memory = new SharedArrayBuffer(QUEUES * QUEUE_BYTES);
    const seen = new SharedArrayBuffer(FLOWS * PACKETS_PER_FLOW * 4);
    const byQueue = new SharedArrayBuffer(FLOWS * 4);
    const total = new SharedArrayBuffer(4);
    const threads = queues.map((device, queue) => {
      const order = { memory, seen, queues: byQueue, total, packetsPerFlow: PACKETS_PER_FLOW, queue };
      return startQueue({ ...order, device: device.handOver() });
    });
    await Promise.all(threads.map(({ ready }) => ready));
    await sendFlows();
    const counted = new Int32Array(total);
    for (let count = 0; count < FLOWS * PACKETS_PER_FLOW; count = Atomics.load(counted, 0)) {
      const { value } = Atomics.waitAsync(counted, 0, count, WAIT_MS);
      if ((await value) === "timed-out") break;
    }
    for (const device of queues) device.wake();
    const reads = await Promise.all(threads.map(({ read }) => read));

    expect(new Set(new Int32Array(seen))).toEqual(new Set([1]));
    expect(reads.reduce((sum, read) => sum + read, 0)).toBe(FLOWS * PACKETS_PER_FLOW);
    expect(Math.min(...reads)).toBeGreaterThan(0);
    // A flow stays in the queue that it began in: one bit.
    for (const bits of new Int32Array(byQueue)) expect(bits & (bits - 1)).toBe(0);
    for (const { end } of threads) end();
    for (const device of queues) device.close();
  });
});

function startQueue(order: QueueOrder) {
  const worker = new Worker(new URL("./queue-worker.ts", import.meta.url));
  const ready = Promise.withResolvers<void>();
  const read = Promise.withResolvers<number>();
  worker.onmessage = ({ data }: MessageEvent<"ready" | { readonly read: number }>) => {
    if (data === "ready") ready.resolve();
    else read.resolve(data.read);
  };
  worker.onerror = (event) => read.reject(new Error(event.message));
  worker.postMessage(order);
  return { ready: ready.promise, read: read.promise, end: () => worker.terminate() };
}

/** Datagrams by the system's own sockets, one socket for each flow, in turn. */
async function sendFlows(): Promise<void> {
  const sockets = await Promise.all(namespace.run(() => Array.from({ length: FLOWS }, () => Bun.udpSocket({}))));
  for (let number = 0; number < PACKETS_PER_FLOW; number++) {
    for (const [flow, socket] of sockets.entries()) {
      const payload = Uint8Array.of(flow >> 8, flow & 0xff, number >> 8, number & 0xff);
      while (!socket.send(payload, 9, "192.0.2.9")) await Bun.sleep(1);
    }
  }
  for (const socket of sockets) socket.close();
}
