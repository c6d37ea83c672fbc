// needs root
// Both back ends over a real device: the same suite, with and without offload.
import { gcAndSweep, heapStats } from "bun:jsc";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DeviceError, Wake, type PacketList } from "@bunnel/device";
import { conformancePacket } from "@bunnel/device/conformance";
import { BACKENDS } from "../../test/pump/backends.ts";
import { pumpMemory, type PumpMemory } from "../../test/pump/memory.ts";
import { DatagramPair } from "../../test/pump/sys.ts";
import type { WaitOrder } from "../../test/pump/wait-worker.ts";
import { PacketSocket } from "../../test/sys.ts";
import { runInside } from "../../test/witness.ts";
import type { LinuxTun } from "../device.ts";
import { NetworkNamespace } from "../namespace.ts";
import { openLinuxTun } from "../open.ts";
import { openPump } from "./open.ts";
import type { Merger, Pump, PumpBackend } from "./pump.ts";
import { eventOf, portOf } from "./pumped-tun.ts";

/** A cell of JavaScriptCore's heap. */
const OBJECT_MIN_BYTES = 16;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

interface Rig extends Disposable, PumpMemory {
  readonly device: LinuxTun;
  readonly pump: Pump;
  readonly socket: PacketSocket;
}

/** A device without any address, so that the kernel itself sends nothing through it, and its pump. */
function open(backend: PumpBackend, offload: boolean, slots = 256): Rig {
  const device = namespace.run(() => openLinuxTun({ ipv6LinkLocal: "none", offload, txQueueLength: 20_000 }));
  const socket = namespace.run(() => new PacketSocket(device.index));
  const place = pumpMemory(slots);
  const { memory, rings } = place;
  const pump = openPump({ memory, rings, ports: [portOf(device)], eventFd: eventOf(device), backend });
  return {
    ...{ device, pump, socket, ...place },
    [Symbol.dispose]() {
      pump.close();
      socket[Symbol.dispose]();
      device.close();
    },
  };
}

function placePackets({ octets }: Pick<PumpMemory, "octets">, list: PacketList, packets: readonly Uint8Array[]): void {
  for (const [i, packet] of packets.entries()) {
    const at = list.at[i] ?? 0;
    octets.fill(0, at - 10, at);
    octets.set(packet, at);
    list.lengths[i] = packet.length;
  }
}

const packetsOf = (count: number, first = 0): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => conformancePacket(60 + ((first + i) % 7) * 100, first + i));

const MATRIX = BACKENDS.flatMap((backend) => [false, true].map((offload) => [backend, offload] as const));

describe.each(MATRIX)("pump, %s, offload %p", (backend, offload) => {
  test("reads in order what waits, more than one burst of it, and nothing else", () => {
    using rig = open(backend, offload);
    const sent = packetsOf(150);
    for (const packet of sent) rig.socket.send(packet);
    const list = rig.list(64);
    const came: Uint8Array[] = [];
    for (let count = 1; count > 0;) {
      count = rig.pump.read(0, list, 0, 1500);
      for (let i = 0; i < count; i++) {
        const at = list.at[i] ?? 0;
        came.push(rig.octets.slice(at, at + (list.lengths[i] ?? 0)));
      }
    }
    expect(came).toEqual(sent);
    expect(rig.pump.counters()).toEqual({ read: 150, written: 0, refused: {} });
    expect(rig.pump.wait(0)).toBe(Wake.Timeout);
  });

  test("expects nothing behind a lone packet, and is woken at once when something came after all", () => {
    using rig = open(backend, offload);
    const list = rig.list(4);
    const sent = packetsOf(3);
    const came = sent.map((packet) => {
      rig.socket.send(packet);
      expect(rig.pump.wait(-1)).toBe(Wake.Readable);
      expect([rig.pump.read(0, list, 0, 1500), rig.pump.mayHaveMore(0)]).toEqual([1, false]);
      const at = list.at[0] ?? 0;
      return Uint8Array.from(rig.octets.subarray(at, at + (list.lengths[0] ?? 0)));
    });
    expect<Uint8Array[]>(came).toEqual(sent);
    expect(rig.pump.wait(0)).toBe(Wake.Timeout);
    expect([rig.pump.read(0, list, 0, 1500), rig.pump.mayHaveMore(0)]).toEqual([0, true]);
  });

  test("writes in order more than one burst", () => {
    using rig = open(backend, offload);
    const list = rig.list(100);
    const packets = packetsOf(100);
    placePackets(rig, list, packets);
    expect(rig.pump.write(0, list, 0, 100)).toBe(100);
    expect(packets.map(() => rig.socket.receive())).toEqual(packets);
    expect(rig.pump.counters()).toEqual({ read: 0, written: 100, refused: {} });
  });

  test("counts what an interface refuses that is down, and goes on when it is up", () => {
    using rig = open(backend, offload);
    const list = rig.list(3);
    placePackets(rig, list, packetsOf(3));
    runInside(namespace, "ip", "link", "set", rig.device.name, "down");
    expect(rig.pump.write(0, list, 0, 3)).toBe(3);
    runInside(namespace, "ip", "link", "set", rig.device.name, "up");
    expect(rig.pump.write(0, list, 1, 3)).toBe(2);
    expect(rig.pump.counters()).toEqual({ read: 0, written: 2, refused: { EIO: 3 } });
    expect(rig.pump.refused).toBe(3);
  });

  test("read(), write() and wait() tell that the interface was deleted", () => {
    using rig = open(backend, offload);
    const list = rig.list(2);
    placePackets(rig, list, packetsOf(2));
    runInside(namespace, "ip", "link", "del", rig.device.name);
    expect(rig.pump.wait(-1)).toBe(Wake.Closed);
    expect(() => rig.pump.read(0, list, 0, 1500)).toThrow("expected an interface, found it deleted");
    expect(() => rig.pump.write(0, list, 0, 2)).toThrow("expected an interface, found it deleted");
  });

  test("wait() of another thread ends with wake(), though no packet comes", async () => {
    using rig = open(backend, offload);
    const worker = new Worker(new URL("../../test/pump/wait-worker.ts", import.meta.url));
    const said: unknown[] = [];
    const ended = Promise.withResolvers<void>();
    worker.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      said.push(data);
      if (data === "waiting") rig.device.wake();
      if (data === "closed") ended.resolve();
    });
    const { memory, rings } = pumpMemory(0);
    worker.postMessage({ handOver: rig.device.handOver(), backend, memory: { memory, rings } } satisfies WaitOrder);
    await ended.promise;
    worker.terminate();
    expect(said).toEqual(["waiting", Wake.Woken, "closed"]);
  });

  test("wait() ends with a packet and with a wake() that came before, and looks at polled ports only", () => {
    using rig = open(backend, offload);
    rig.socket.send(conformancePacket(60, 1));
    expect(rig.pump.wait(-1)).toBe(Wake.Readable);
    rig.device.wake();
    expect(rig.pump.wait(-1)).toBe(Wake.Woken);
    const { memory, rings } = pumpMemory(0);
    const ports = [portOf(rig.device, false)];
    using blind = openPump({ memory, rings, ports, eventFd: eventOf(rig.device), backend });
    expect(blind.wait(0)).toBe(Wake.Timeout);
  });

  test("refuses a port that is not there, and everything after close()", () => {
    using rig = open(backend, offload);
    const list = rig.list(1);
    expect(() => rig.pump.read(1, list, 0, 1500)).toThrow("port of the pump: expected 0..0, found 1");
    rig.pump.close();
    expect(() => rig.pump.read(0, list, 0, 1500)).toThrow(DeviceError);
    expect(() => rig.pump.write(0, list, 0, 1)).toThrow("pump: expected open, found closed");
  });

  test("read() and write() allocate nothing: the heap grows by less than the smallest object per packet", () => {
    const packets = 16_384;
    using rig = open(backend, offload);
    const list = rig.list(64);
    const forward = (): number => {
      let moved = 0;
      for (let count = 1; count > 0; moved += count) {
        count = rig.pump.read(0, list, 0, 1500);
        rig.pump.write(0, list, 0, count);
      }
      return moved;
    };
    const growths: number[] = [];
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < packets; i++) rig.socket.send(conformancePacket(60, 1));
      gcAndSweep();
      // What was thrown away since a collection counts in the capacity, not in the size.
      const before = heapStats().heapCapacity;
      expect(forward()).toBe(packets);
      // The first rounds compile the loop.
      if (round >= 2) growths.push(heapStats().heapCapacity - before);
    }
    expect(Math.max(...growths)).toBeLessThan(packets * OBJECT_MIN_BYTES);
    expect(rig.pump.counters()).toEqual({ read: 4 * packets, written: 4 * packets, refused: {} });
  });
});

describe.each(BACKENDS)("pump between any descriptors, %s", (backend) => {
  test("gives back what found the queue full, and everything arrives once, in order", () => {
    using pair = new DatagramPair();
    const { memory, rings, list: listOf, octets } = pumpMemory(300);
    const ports = pair.ends.map((fd, i) => ({ name: `end ${i}`, fd, headerBytes: 0 }));
    using pump = openPump({ memory, rings, ports, eventFd: -1, backend });
    const [sending, receiving] = [listOf(200), listOf(64)];
    const packets = packetsOf(200);
    placePackets({ octets }, sending, packets);
    const came: Uint8Array[] = [];
    let calls = 0;
    for (let sent = 0; sent < 200; calls++) {
      sent += pump.write(0, sending, sent, 200);
      for (let count = 1; count > 0;) {
        count = pump.read(1, receiving, 0, 1500);
        for (let i = 0; i < count; i++) {
          const at = receiving.at[i] ?? 0;
          came.push(octets.slice(at, at + (receiving.lengths[i] ?? 0)));
        }
      }
    }
    expect(came).toEqual(packets);
    expect(calls).toBeGreaterThan(1);
    expect(pump.counters()).toEqual({ read: 200, written: 200, refused: {} });
  });
});

describe.each(BACKENDS)("writeGroups(), %s", (backend) => {
  test("a group whose virtio header the kernel refuses goes packet by packet, and nothing is lost", () => {
    using rig = open(backend, true);
    const list = rig.list(3);
    const packets = packetsOf(3);
    placePackets(rig, list, packets);
    const merger = mergerOf(rig, list);
    expect(rig.pump.writeGroups(0, merger, 2)).toBe(2);
    expect(merger.loose).toEqual([1]);
    expect(packets.map(() => rig.socket.receive())).toEqual(packets);
    expect(rig.pump.counters()).toEqual({ read: 0, written: 3, refused: {} });
    expect(rig.pump.loosened).toBe(2);
  });
});

/** The first packet alone, and a group of the others, marked with a kind of segmentation that does not exist. */
function mergerOf({ octets, pump, memory, rings }: Rig, tx: PacketList): Merger & { readonly loose: number[] } {
  const [first = 0, second = 0, third = 0] = tx.at;
  const [firstBytes = 0, secondBytes = 0, thirdBytes = 0] = tx.lengths;
  const piecesAt = rings.at + 0xa000;
  const iovecs = [first - 10, firstBytes + 10, second - 10, secondBytes + 10, third, thirdBytes];
  new BigUint64Array(memory, piecesAt, 6).set(iovecs.map((word, i) => BigInt(i % 2 === 0 ? pump.base + word : word)));
  octets[second - 9] = 0x7f;
  const loose: number[] = [];
  const records = Uint32Array.of(0, 1, first - 10, firstBytes + 10, 1, 2, second - 10, secondBytes + thirdBytes + 10);
  return {
    ...{ tx, groups: { records, piecesAt, order: Uint16Array.of(0, 1, 2) }, loose },
    coalesce: () => 2,
    loosen(group) {
      loose.push(group);
      octets[second - 9] = 0;
    },
  };
}
