import { beforeEach, describe, expect, test } from "bun:test";
import { DeviceError, MemoryDevice, Wake, type InboundTap } from "@bunnel/device";
import { MemoryEgress } from "@bunnel/egress";
import { Engine } from "@bunnel/engine";
import { tcpPacket } from "@bunnel/wire";
import { startInlineLane } from "./inline-lane.ts";
import type { LaneParts, TunPlatform } from "./platform.ts";
import { Queues, type QueuesOptions } from "./queues.ts";

const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const OPTIONS: QueuesOptions = {
  count: 2,
  pump: "plain",
  device: { name: "memory0" },
  maxQueueSize: 10,
  laneOptions: () => ({}),
  watch: () => undefined,
};

let engine: Engine;
let devices: MemoryDevice[];
let ways: MemoryEgress[];
let taps: (MemoryDevice & InboundTap)[];
let started: LaneParts[];
let asked: unknown[];

beforeEach(async () => {
  engine = await Engine.create({ warm: false });
  devices = [];
  ways = [];
  taps = [];
  started = [];
  asked = [];
});

function keep<T>(list: T[], made: T): T {
  list.push(made);
  return made;
}

function platformOf(changes: Partial<TunPlatform> = {}): TunPlatform {
  return {
    name: "memory",
    unsupported: () => undefined,
    openDevice: (options) => {
      asked.push(options);
      return keep(devices, MemoryDevice.open());
    },
    openQueue: (first) => {
      asked.push(first);
      return keep(devices, MemoryDevice.open());
    },
    openEgress: () => keep(ways, new MemoryEgress()),
    openTap: () => keep(taps, Object.assign(MemoryDevice.open(), { listen() {} })),
    intercept: () => ({ method: "nft", uplinks: [], close() {}, [Symbol.dispose]() {} }),
    sweep: () => ({ removed: [] }),
    uplinks: () => ({ names: [], mtuBytes: 1500 }),
    startLane: (parts) => startInlineLane(keep(started, parts)),
    ...changes,
  };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !condition(); i++) await Bun.sleep(1);
  expect(condition()).toBe(true);
}

describe("Queues", () => {
  test("gives each queue its own device, way out, tap, and lanes", async () => {
    const queues = await Queues.start(platformOf(), engine, { ...OPTIONS, count: 4 });
    expect(started.map(({ laneIndex, inbound }) => [laneIndex, inbound?.laneIndex])).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 7],
    ]);
    expect(new Set(started.map(({ device }) => device))).toEqual(new Set(devices));
    expect(new Set(started.map(({ egress }) => egress))).toEqual(new Set(ways));
    expect(new Set(started.map(({ inbound }) => inbound?.tap))).toEqual(new Set(taps));
    expect([devices.length, ways.length, taps.length]).toEqual([4, 4, 4]);
    expect(asked).toEqual([{ name: "memory0", multiQueue: true }, devices[0], devices[0], devices[0]]);
    expect(queues.pumps).toEqual(["memory", "memory", "memory", "memory"]);
    expect(started.map(({ pump }) => pump)).toEqual(["plain", "plain", "plain", "plain"]);
    await queues.stop();
  });

  test("carries what comes up in any queue by that queue's way out, with one flow table", async () => {
    const queues = await Queues.start(platformOf(), engine, OPTIONS);
    const packets = [0, 1].map((i) => tcpPacket({ ...ENDS, sourcePort: 40000 + i, flags: "A" }));
    for (const [i, device] of devices.entries()) device.inject(packets[i] ?? new Uint8Array(0));
    taps[1]?.inject(tcpPacket({ ...ENDS, sourcePort: 50000, flags: "SA" }));
    await until(() => engine.counters().packetsIn === 2 && engine.counters().flows === 3);
    expect(ways.map((way) => way.take())).toEqual(packets.map((packet) => [packet]));
    await queues.stop();
  });

  test("one queue is opened as a device that has no others", async () => {
    const queues = await Queues.start(platformOf(), engine, { ...OPTIONS, count: 1 });
    expect(asked).toEqual([{ name: "memory0" }]);
    await queues.stop();
  });

  test("stop() ends every thread and closes everything", async () => {
    const queues = await Queues.start(platformOf(), engine, OPTIONS);
    const ended = queues.ended;
    await queues.stop();
    expect(await ended).toBeUndefined();
    for (const device of [...devices, ...taps]) expect(device.wait(0)).toBe(Wake.Closed);
  });

  test("one queue that fails ends all: its cause is told", async () => {
    const queues = await Queues.start(platformOf(), engine, OPTIONS);
    devices[1]?.close();
    expect(await queues.ended).toMatchObject({ code: "E_DEVICE_GONE" });
    await queues.stop();
    expect(devices[0]?.wait(0)).toBe(Wake.Closed);
  });

  test("what fails at a later queue takes the earlier ones down", async () => {
    const refuse = (): never => {
      throw new DeviceError("E_DEVICE_SYSTEM", "no second queue");
    };
    await expect(Queues.start(platformOf({ openQueue: refuse }), engine, OPTIONS)).rejects.toThrow("no second queue");
    expect(devices.map((device) => device.wait(0))).toEqual([Wake.Closed]);
    expect(taps.map((tap) => tap.wait(0))).toEqual([Wake.Closed]);
  });

  test.each([0, 5, 1.5, Number.NaN])("refuses %p queues", async (count) => {
    const refusal = { code: "E_DEVICE_OPTION", message: `queues: expected 1 to 4, found ${count}` };
    await expect(Queues.start(platformOf(), engine, { ...OPTIONS, count })).rejects.toMatchObject(refusal);
    expect(asked).toEqual([]);
  });

  test("refuses several where the platform has one", async () => {
    const { openQueue: _, ...single } = platformOf();
    const refusal = { code: "E_UNSUPPORTED", message: "queues: expected one on memory, found 2" };
    await expect(Queues.start(single, engine, OPTIONS)).rejects.toMatchObject(refusal);
    expect(devices.map((device) => device.wait(0))).toEqual([Wake.Closed]);
  });
});
