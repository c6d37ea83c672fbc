// One lane's loop over devices in memory: what arrives before a packet counts for it, and QUIC that is dropped is
// answered.
import { beforeEach, describe, expect, test } from "bun:test";
import { MemoryDevice } from "@bunnel/device";
import { MemoryEgress } from "@bunnel/egress";
import { Engine, QuicNames } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import {
  clientHello,
  decodePacket,
  POST_QUANTUM_SHARE_BYTES,
  quicHello,
  quicInitials,
  tcpPacket,
  udpPacket,
} from "@bunnel/wire";
import { INBOUND_LANE, InboundLane } from "./inbound-lane.ts";
import { LaneLoop, type LaneExtras } from "./lane-loop.ts";

const HOST = "video.example.org";
const QUEUE_MAX = 100;
const FAMILY4 = { source: "192.0.2.7", destination: "203.0.113.9" };
const FAMILY6 = { source: "2001:db8::7", destination: "2001:db8:2::9" };
const FAMILIES = [FAMILY4, FAMILY6];

let engine: Engine;
let device: MemoryDevice;
let egress: MemoryEgress;
/** Where packets for the tap are put. */
let outside: MemoryDevice;

beforeEach(async () => {
  engine = await Engine.create({ warm: false });
  device = MemoryDevice.open();
  egress = new MemoryEgress();
  outside = MemoryDevice.open();
});

function openLoop(extras: LaneExtras = {}): LaneLoop {
  return new LaneLoop(device, egress, engine.lane(0), QUEUE_MAX, extras);
}

function openInbound(): InboundLane {
  return new InboundLane(Object.assign(outside, { listen() {} }), engine.lane(1, INBOUND_LANE));
}

function tableOf(strategy: string): Uint8Array {
  return encodeRules(parseProfile(`[[rule]]\nname = "a"\nhosts = ["${HOST}"]\nstrategy = "${strategy}"\n`));
}

function helloOf(ends: typeof FAMILY4, port: number): Uint8Array {
  const payload = clientHello({ serverName: HOST });
  return tcpPacket({ ...ends, sourcePort: port, destinationPort: 443, flags: "PA", seq: 1, payload });
}

/** What the server answers, as it arrives after some hops. */
function synAckOf(ends: typeof FAMILY4, port: number, hopLimit: number): Uint8Array {
  const back = { source: ends.destination, destination: ends.source, sourcePort: 443, destinationPort: port };
  return tcpPacket({ ...back, flags: "SA", hopLimit });
}

function hopLimitsOf(packets: readonly Uint8Array[]): number[] {
  return packets.map((packet) => decodePacket(packet).hopLimit);
}

describe("LaneLoop with a tap", () => {
  test.each(FAMILIES)("knows the distance of a server whose answer arrived before the hello: %p", (ends) => {
    engine.loadRules(tableOf("tls: fake(ttl=auto-1)"));
    const loop = openLoop({ inbound: openInbound() });
    outside.inject(synAckOf(ends, 40000, 64 - 5));
    outside.inject(synAckOf(ends, 40001, 128 - 11));
    device.inject(helloOf(ends, 40000));
    device.inject(helloOf(ends, 40001));
    device.inject(helloOf(ends, 40002));
    expect(loop.turn()).toBe(3);
    // Decoy and hello; decoy and hello; of the third nothing is known, so that its decoy would arrive: it is left out.
    expect(hopLimitsOf(egress.take())).toEqual([4, 64, 10, 64, 64]);
    expect(engine.counters()).toMatchObject({ packetsIn: 3, fakes: 2 });
  });

  test("takes what arrives also while nothing comes up", () => {
    const loop = openLoop({ inbound: openInbound() });
    for (let port = 1; port <= 500; port++) outside.inject(synAckOf(FAMILY4, port, 60));
    expect(loop.turn()).toBe(0);
    expect(engine.counters()).toMatchObject({ flows: 500, packetsIn: 0, egressSent: 0 });
  });

  test("without a tap no distance is known", () => {
    engine.loadRules(tableOf("tls: fake(ttl=auto-1)"));
    const loop = openLoop();
    outside.inject(synAckOf(FAMILY4, 40000, 60));
    device.inject(helloOf(FAMILY4, 40000));
    loop.turn();
    expect(hopLimitsOf(egress.take())).toEqual([64]);
  });
});

describe("LaneLoop with a rule that drops QUIC", () => {
  beforeEach(() => engine.loadRules(tableOf("quic: drop")));

  function initialsOf(ends: typeof FAMILY4, serverName: string, port = 40000): Uint8Array[] {
    // As browsers send it: two datagrams, and the name in the second.
    const hello = quicHello({ serverName, keyShareBytes: POST_QUANTUM_SHARE_BYTES, extensionOrder: "last" });
    return quicInitials({ hello, datagrams: 2 }).map((payload) =>
      udpPacket({ ...ends, sourcePort: port, destinationPort: 443, payload }),
    );
  }

  test.each(FAMILIES)("answers it by port unreachable, and lets the rest pass: %p", (ends) => {
    const loop = openLoop({ names: new QuicNames(), answers: true });
    const dropped = initialsOf(ends, HOST);
    const passed = initialsOf(ends, "other.example.org", 40001);
    for (const packet of [...dropped, ...passed]) device.inject(packet);
    loop.turn();
    const sent = egress.take();
    const answers = sent.filter((packet) => decodePacket(packet).source === ends.destination);
    expect(sent.filter((packet) => !answers.includes(packet))).toEqual(passed);
    expect(answers.length).toBeGreaterThanOrEqual(1);
    for (const answer of answers) {
      const { destination, protocol } = decodePacket(answer);
      expect([destination, protocol]).toEqual([ends.source, ends === FAMILY4 ? 1 : 58]);
    }
    expect(engine.counters()).toMatchObject({ dropped: dropped.length, reasons: { DropRule: dropped.length } });
    // A burst without such a packet is answered by nobody.
    for (const packet of passed) device.inject(packet);
    loop.turn();
    expect(egress.take()).toEqual(passed);
  });

  test("says nothing where answers would leave for the network", () => {
    const loop = openLoop({ names: new QuicNames() });
    for (const packet of initialsOf(FAMILY4, HOST)) device.inject(packet);
    loop.turn();
    expect(egress.take()).toEqual([]);
    expect(engine.counters().reasons).toHaveProperty("DropRule");
  });

  test("finds no name, and drops nothing, without a finder of names", () => {
    const loop = openLoop({ answers: true });
    const packets = initialsOf(FAMILY4, HOST);
    for (const packet of packets) device.inject(packet);
    loop.turn();
    expect(egress.take()).toEqual(packets);
  });
});
