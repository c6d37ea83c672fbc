// The raw sockets against the real system: a second network namespace holds the witness, tcpdump.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DeviceError } from "@bunnel/device";
import { packetMemory, SCRATCH_AT, SCRATCH_BYTES, type PacketMemory } from "../test/packet-memory.ts";
import { datagram, packet4, packet6 } from "../test/packets.ts";
import { run, twoHosts, type TwoHosts } from "../test/two-hosts.ts";
import type { Egress } from "./egress.ts";
import { openRawEgress, openTransferred } from "./raw.linux.ts";

const MARK = 0x4000;

let hosts: TwoHosts;
beforeAll(async () => {
  hosts = await twoHosts();
});
afterAll(() => hosts[Symbol.dispose]());

function attached(packets: PacketMemory, sendBufferBytes?: number): Egress {
  const egress = openRawEgress({
    mark: MARK,
    ...(sendBufferBytes === undefined ? {} : { sendBufferBytes }),
  });
  egress.attach(packets.memory, SCRATCH_AT, SCRATCH_BYTES);
  return egress;
}

function refusedTotal(egress: Egress): number {
  return Object.values(egress.counters().refused).reduce((sum, count) => sum + count, 0);
}

/** Sends all of them and compares what arrived on the other host, octet for octet and in order. */
async function expectUnchanged(packets: readonly Uint8Array[]): Promise<void> {
  const memory = packetMemory(packets);
  using egress = attached(memory);
  const capture = await hosts.capture(packets.length);
  expect(egress.send(memory.list, 0, packets.length)).toBe(packets.length);
  expect(await capture.packets()).toEqual([...packets]);
  expect(egress.counters()).toEqual({ sent: packets.length, refused: {} });
}

describe("openRawEgress().send()", () => {
  test("keeps the order of both families over several system calls", async () => {
    const packets = Array.from({ length: 700 }, (_, number) =>
      // Runs of one, of a few and of more than one table.
      number > 300 || number % 7 < 3 ? packet4(datagram(number), { id: number + 1 }) : packet6(datagram(number)),
    );
    await expectUnchanged(packets);
  });

  test("sends headers as they are: service, time to live, identification, options, fragments", async () => {
    await expectUnchanged([
      packet4(datagram(0), { tos: 0xb9, ttl: 3, id: 0xabcd }),
      packet4(datagram(1), { options: [1, 1, 1, 0] }),
      packet4(datagram(2), { options: [0x44, 12, 5, 0, 0, 0, 0, 1, 0, 0, 0, 2] }),
      packet4(datagram(3), { fragment: 0x4000, id: 0 }),
      packet4(datagram(4), { fragment: 0x2000, id: 77 }),
      packet4(datagram(5), { fragment: 0x0002, id: 77 }),
      packet4(datagram(6), { protocol: 253, ttl: 1 }),
    ]);
  });

  test("sends IPv6 headers as they are: traffic class, flow label, hop limit, extension headers", async () => {
    const fragment = new Uint8Array([17, 0, 0, 1, 0, 0, 0x12, 0x34, ...datagram(2)]);
    await expectUnchanged([
      packet6(datagram(0), { flow: 0x0b9abcde, hopLimit: 3 }),
      packet6(new Uint8Array([17, 0, 1, 4, 0, 0, 0, 0, ...datagram(1)]), { nextHeader: 60 }),
      packet6(fragment, { nextHeader: 44 }),
      packet6(datagram(3), { nextHeader: 253 }),
    ]);
  });

  test("lets the system replace an IPv4 identification of 0 where fragmenting is allowed", async () => {
    const given = packet4(datagram(0), { id: 0 });
    const memory = packetMemory([given, given]);
    using egress = attached(memory);
    const capture = await hosts.capture(2);
    expect(egress.send(memory.list, 0, 2)).toBe(2);
    const ids = (await capture.packets()).map((packet) => ((packet[4] ?? 0) << 8) | (packet[5] ?? 0));
    expect(ids.some((id) => id !== 0)).toBe(true);
  });

  test("counts a packet above the MTU as EMSGSIZE and sends its neighbours", async () => {
    const packets = [
      packet4(datagram(0)),
      packet4(datagram(1, 1500)),
      packet4(datagram(2)),
      packet6(datagram(3, 1500)),
      packet6(datagram(4, 1500 - 48)),
    ];
    const memory = packetMemory(packets);
    using egress = attached(memory);
    const capture = await hosts.capture(3);
    expect(egress.send(memory.list, 0, packets.length)).toBe(packets.length);
    expect(await capture.packets()).toEqual(packets.filter((packet) => packet.length <= 1500));
    expect(egress.counters()).toEqual({ sent: 3, refused: { EMSGSIZE: 2 } });
  });

  test("sends the part of the list that was asked for", async () => {
    const packets = Array.from({ length: 6 }, (_, number) => packet4(datagram(number)));
    const memory = packetMemory(packets);
    using egress = attached(memory);
    const capture = await hosts.capture(3);
    expect(egress.send(memory.list, 2, 5)).toBe(3);
    expect(egress.send(memory.list, 5, 5)).toBe(0);
    expect(await capture.packets()).toEqual(packets.slice(2, 5));
  });

  test("counts octets that are no packet as EINVAL", () => {
    const packets = [
      new Uint8Array(19).fill(0x45),
      new Uint8Array(39).fill(0x60),
      new Uint8Array(60).fill(0x50),
      new Uint8Array(0),
    ];
    const memory = packetMemory(packets);
    using egress = attached(memory);
    expect(egress.send(memory.list, 0, 4)).toBe(4);
    expect(egress.counters()).toEqual({ sent: 0, refused: { EINVAL: 4 } });
  });

  test("marks every packet", async () => {
    // The way to 198.18.0.0/15 is only in the table that the mark leads to.
    run("ip", "rule", "add", "fwmark", `${MARK}/${MARK}`, "lookup", "100");
    run("ip", "route", "add", "198.18.0.0/15", "dev", "a0", "table", "100");
    const marked = packet4(datagram(0), { destination: [198, 18, 0, 1] });
    await expectUnchanged([marked]);
    const memory = packetMemory([marked]);
    using other = openRawEgress({ mark: 0x2000 });
    other.attach(memory.memory, SCRATCH_AT, SCRATCH_BYTES);
    expect(other.send(memory.list, 0, 1)).toBe(1);
    expect(other.counters()).toEqual({ sent: 0, refused: { ENETUNREACH: 1 } });
  });

  test("stops at a full queue and goes on from there", async () => {
    run("tc", "qdisc", "add", "dev", "a0", "root", "tbf", "rate", "8kbit", "burst", "1540", "limit", "100000");
    const packets = Array.from({ length: 100 }, (_, number) => packet4(datagram(number, 1000)));
    const memory = packetMemory(packets);
    using egress = attached(memory, 16384);
    const capture = await hosts.capture(packets.length);
    const taken = egress.send(memory.list, 0, packets.length);
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(packets.length);
    expect(egress.counters()).toEqual({ sent: taken, refused: {} });
    run("tc", "qdisc", "change", "dev", "a0", "root", "tbf", "rate", "1gbit", "burst", "100000", "limit", "100000");
    for (let next = taken; next < packets.length; await Bun.sleep(1))
      next += egress.send(memory.list, next, packets.length);
    expect(await capture.packets()).toEqual(packets);
    run("tc", "qdisc", "del", "dev", "a0", "root");
  });
});

describe("the conservation law of openRawEgress()", () => {
  test("sent and refused by name are all that was taken", () => {
    for (const [type, destination] of [
      ["unreachable", "192.0.2.1"],
      ["prohibit", "192.0.2.2"],
      ["blackhole", "192.0.2.3"],
    ] as const) {
      run("ip", "route", "add", type, destination);
    }
    const kinds: readonly (readonly [string | undefined, (number: number) => Uint8Array])[] = [
      [undefined, (number) => packet4(datagram(number))],
      [undefined, (number) => packet6(datagram(number))],
      ["EHOSTUNREACH", (number) => packet4(datagram(number), { destination: [192, 0, 2, 1] })],
      ["EACCES", (number) => packet4(datagram(number), { destination: [192, 0, 2, 2] })],
      ["EINVAL", (number) => packet4(datagram(number), { destination: [192, 0, 2, 3] })],
      ["ENETUNREACH", (number) => packet4(datagram(number), { destination: [192, 0, 2, 4] })],
      ["EMSGSIZE", (number) => packet6(datagram(number, 1500))],
      ["EINVAL", () => new Uint8Array(50)],
    ];
    let state = 20261121;
    const expected: Record<string, number> = {};
    const packets = Array.from({ length: 2000 }, (_, number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      const [name = "sent", make] = kinds[(state >>> 16) % kinds.length] ?? [undefined, () => new Uint8Array(0)];
      expected[name] = (expected[name] ?? 0) + 1;
      return make(number);
    });
    const memory = packetMemory(packets);
    using egress = attached(memory);
    const taken = egress.send(memory.list, 0, packets.length);
    const { sent, refused } = egress.counters();
    expect(taken).toBe(packets.length);
    expect(sent + refusedTotal(egress)).toBe(packets.length);
    expect({ sent, ...refused }).toEqual({ sent: 0, ...expected });
  });
});

describe("openRawEgress().attach()", () => {
  test("touches nothing but the scratch range and leaves packets as they are", () => {
    const packets = Array.from({ length: 300 }, (_, number) => packet4(datagram(number)));
    const memory = packetMemory(packets);
    const before = new Uint8Array(memory.memory).slice(SCRATCH_BYTES);
    using egress = attached(memory);
    egress.send(memory.list, 0, packets.length);
    expect(new Uint8Array(memory.memory).slice(SCRATCH_BYTES)).toEqual(before);
  });

  test.each([
    ["too short", 0, 65535],
    ["not aligned", 4, 65536],
    ["past the end", 8, 65536],
  ])("refuses a scratch range that is %s", (_, at, bytes) => {
    using egress = openRawEgress({ mark: MARK });
    expect(() => egress.attach(new SharedArrayBuffer(65536), at, bytes)).toThrow("scratch range");
  });
});

describe("openTransferred()", () => {
  test("sends by the same sockets after the giver has closed", async () => {
    const packets = [packet4(datagram(0)), packet6(datagram(1))];
    const memory = packetMemory(packets);
    const giver = attached(memory);
    using taker = openTransferred(structuredClone(giver.handOver()));
    giver.close();
    taker.attach(memory.memory, SCRATCH_AT, SCRATCH_BYTES);
    const capture = await hosts.capture(2);
    expect(taker.send(memory.list, 0, 2)).toBe(2);
    expect(await capture.packets()).toEqual(packets);
  });

  test("works in a Worker", async () => {
    const packets = [packet4(datagram(0)), packet6(datagram(1))];
    const memory = packetMemory(packets);
    using giver = openRawEgress({ mark: MARK });
    const capture = await hosts.capture(2);
    const worker = new Worker(new URL("../test/send-worker.ts", import.meta.url).href);
    const counters = await new Promise((resolve, reject) => {
      worker.onmessage = (event: MessageEvent<unknown>) => resolve(event.data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage({ handOver: giver.handOver(), memory: memory.memory, list: memory.list });
    });
    worker.terminate();
    expect(counters).toEqual({ sent: 2, refused: {} });
    expect(await capture.packets()).toEqual(packets);
  });

  test("refuses the hand-over of an egress that was closed, and of another kind", () => {
    const giver = openRawEgress({ mark: MARK });
    const handOver = giver.handOver();
    giver.close();
    expect(() => openTransferred(handOver)).toThrow("no longer the egress's socket");
    expect(() => openTransferred({ egress: "device" })).toThrow("expected a raw-linux egress");
  });
});

describe("the life of openRawEgress()", () => {
  test("send() before attach() and after close() is an error of state; close() twice is none", () => {
    const memory = packetMemory([packet4(datagram(0))]);
    const egress = openRawEgress({ mark: MARK });
    expect(() => egress.send(memory.list, 0, 1)).toThrow(expect.objectContaining({ code: "E_DEVICE_STATE" }));
    egress.close();
    egress.close();
    expect(() => egress.send(memory.list, 0, 1)).toThrow(DeviceError);
    expect(() => egress.handOver()).toThrow("hand-over after close");
  });

  test.each([0, -1, 1.5, 2 ** 31])("refuses the mark %p", (mark) => {
    expect(() => openRawEgress({ mark })).toThrow(expect.objectContaining({ code: "E_DEVICE_OPTION" }));
  });

  test("says which capability is missing", () => {
    const script = `
      import { openRawEgress } from ${JSON.stringify(new URL("raw.linux.ts", import.meta.url).pathname)};
      try { openRawEgress({ mark: 1 }) } catch (error) { console.log(error.code, error.errno, error.message) }`;
    const said = run("setpriv", "--inh-caps=-net_raw", "--bounding-set=-net_raw", process.execPath, "-e", script);
    expect(said.trim()).toBe("E_DEVICE_DENIED 1 opening a raw IPv4 socket needs CAP_NET_RAW");
  });
});
