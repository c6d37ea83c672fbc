// From the device to whoever carries datagrams on: over a device in memory, with the real engine.
import { afterEach, describe, expect, test } from "bun:test";
import { CARRIED_MAX_BYTES } from "@bunnel/abi";
import { MemoryDevice } from "@bunnel/device";
import { MemoryEgress } from "@bunnel/egress";
import { Engine } from "@bunnel/engine";
import { defaultProfile, encodeRules, parseProfile } from "@bunnel/profile";
import { icmpEcho, superDatagram, udpPacket } from "@bunnel/wire";
import type { BackendHandle } from "../backend.ts";
import { startInlineLane } from "../inline-lane.ts";
import type { TunPlatform } from "../platform.ts";
import { TunBackend } from "../tun-backend.ts";
import { CarriedOutlet, carriedWord, type CarriedPackets } from "./carried-outlet.ts";
import type { DatagramCarrying, OpenCarrier, StreamCarrier } from "./carrier.ts";

const CARRYING = parseProfile(
  '[[rule]]\nname = "a"\nports = [7000]\negress = "stream"\ncarries = ["udp", "icmp"]\nstrategy = "pass"',
);
const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40_000, destinationPort: 7000 };
const running: TunBackend[] = [];
afterEach(async () => {
  for (const backend of running.splice(0)) await backend.stop();
});

/** Packets and the sizes of their segments, as records have them. */
function recordsOf(packets: CarriedPackets): { readonly packet: Uint8Array; readonly segmentBytes: number }[] {
  const view = new DataView(packets.buffer);
  const found = [];
  for (let at = 0; at < packets.length;) {
    const bytes = view.getUint32(at, true);
    found.push({ packet: packets.slice(at + 8, at + 8 + bytes), segmentBytes: view.getUint16(at + 4, true) });
    at += 8 + Math.ceil(bytes / 4) * 4;
  }
  return found;
}

interface Rig {
  readonly handle: BackendHandle;
  readonly device: MemoryDevice;
  readonly carried: CarriedPackets[];
  readonly log: string[];
}

async function rig(profile = CARRYING, withDatagrams = true): Promise<Rig> {
  const device = MemoryDevice.open({ name: "memory0" });
  const carried: CarriedPackets[] = [];
  const log: string[] = [];
  const platform: TunPlatform = {
    name: "memory",
    unsupported: () => undefined,
    openDevice: () => device,
    openEgress: () => new MemoryEgress(),
    intercept: () => ({ method: "nft", uplinks: [], close() {}, [Symbol.dispose]() {} }),
    sweep: () => ({ removed: [] }),
    uplinks: () => ({ names: [], mtuBytes: 1500 }),
    startLane: (parts) => startInlineLane(parts),
  };
  const datagrams: DatagramCarrying = {
    carry: (packets) => void carried.push(packets),
    figures: { sent: 3 },
    load: () => void log.push("load"),
    closed: new Promise(() => undefined),
    close: () => void log.push("close"),
    [Symbol.dispose]() {},
  };
  const stream: StreamCarrier = {
    open: () => Promise.reject<OpenCarrier>(new Error("expected no connections, found some")),
    ...(withDatagrams && { openDatagrams: () => datagrams }),
  };
  const backend = new TunBackend(platform);
  const handle = await backend.start({ engine: { profile }, stream });
  running.push(backend);
  return { handle, device, carried, log };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 5000 && !condition(); i++) await Bun.sleep(1);
  expect(condition()).toBe(true);
}

describe("a backend whose rules carry datagrams", () => {
  test("gives them away, and sends everything else on", async () => {
    const { handle, device, carried, log } = await rig();
    const packets = [udpPacket({ ...ENDS, payload: Uint8Array.of(1, 2, 3) }), icmpEcho(ENDS)];
    for (const packet of packets) device.inject(packet);
    device.inject(udpPacket({ ...ENDS, destinationPort: 9 }));
    await until(() => handle.stats.packetsIn === 3);
    expect(carried.flatMap(recordsOf)).toEqual(packets.map((packet) => ({ packet, segmentBytes: 0 })));
    expect(handle.stats).toMatchObject({ egressSent: 1, carried: { sent: 3 }, reasons: { ReplaceCarried: 2 } });
    await running.pop()?.stop();
    expect(log).toEqual(["close"]);
  });

  test("takes the first such rule, and the last away, while it runs", async () => {
    const { handle, device, carried, log } = await rig(defaultProfile());
    device.inject(udpPacket(ENDS));
    await until(() => handle.stats.packetsIn === 1);
    expect(carried).toEqual([]);
    handle.pipeline.load(CARRYING);
    device.inject(udpPacket(ENDS));
    await until(() => carried.length === 1);
    handle.pipeline.load(defaultProfile());
    device.inject(udpPacket(ENDS));
    await until(() => handle.stats.packetsIn === 3);
    expect([carried.length, log]).toEqual([1, ["load", "load"]]);
  });

  test("refuses rules that nobody carries, at the start and later", async () => {
    expect(rig(CARRYING, false)).rejects.toThrow("a rule that carries udp or icmp needs somebody with sockets");
    const { handle } = await rig(defaultProfile(), false);
    expect(() => handle.pipeline.load(CARRYING)).toThrow("needs somebody with sockets");
    expect(handle.stats.carried).toBeUndefined();
  });
});

test("CarriedOutlet tells segments, gives away as much as may wait, and counts the rest", async () => {
  const engine = await Engine.create({ warm: false });
  engine.loadRules(encodeRules(CARRYING, { streamRules: "leave" }));
  const lane = engine.lane(0, { carry: true, rxVnet: true });
  const given: CarriedPackets[] = [];
  const outlet = new CarriedOutlet(lane, true, (packets) => void given.push(packets));
  const { packet, header } = superDatagram({ ...ENDS, payload: new Uint8Array(60_000) }, 1200);
  const put = (): void => {
    lane.place(0, packet, header);
    lane.poll(0, 1, 1);
    outlet.take(1);
  };
  put();
  expect(given.flatMap(recordsOf)).toEqual([{ packet, segmentBytes: 1200 }]);
  const most = Math.floor(CARRIED_MAX_BYTES / (given[0]?.length ?? 1));
  for (let i = 1; i < most + 3; i++) put();
  expect([given.length, engine.counters().carriedDropped]).toEqual([most, 3]);
  Atomics.add(carriedWord(engine.memory, 0), 0, given[0]?.length ?? 0);
  put();
  expect(given).toHaveLength(most + 1);
});
