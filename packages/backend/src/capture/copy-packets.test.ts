// A lane's loop over devices in memory, with somebody who captures.
import { beforeEach, describe, expect, test } from "bun:test";
import { HOLD_MAX_MS, L7, Reason, Verdict } from "@bunnel/abi";
import { MemoryDevice } from "@bunnel/device";
import { MemoryEgress } from "@bunnel/egress";
import { Engine } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { clientHello, quicInitials, tcpPacket, udpPacket } from "@bunnel/wire";
import { LaneLoop } from "../lane-loop.ts";
import { CaptureKind, CaptureLevel, CaptureRing, type CaptureRecord } from "./ring.ts";

const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const HELLO = clientHello({ serverName: "video.example.org" });
const hello = tcpPacket({ ...ENDS, flags: "PA", seq: 1000, payload: HELLO });
const plain = udpPacket({ ...ENDS, payload: new Uint8Array(100) });
const RULES = `
[[rule]]
name = "plain"
hosts = ["plain.example.org"]
strategy = "tls: split(1)"
[[rule]]
name = "video"
hosts = ["example.org"]
strategy = "tls: fake(ttl=4) split(1) delay(7)"
`;

let device: MemoryDevice;
let egress: MemoryEgress;
let ring: CaptureRing;
let loop: LaneLoop;

beforeEach(async () => {
  const engine = await Engine.create({ warm: false });
  engine.loadRules(encodeRules(parseProfile(RULES)));
  device = MemoryDevice.open();
  egress = new MemoryEgress();
  ring = new CaptureRing(CaptureRing.memory());
  loop = new LaneLoop(device, egress, engine.lane(0), 100, { capture: ring });
});

function taken(): CaptureRecord[] {
  const records: CaptureRecord[] = [];
  ring.read(1 << 20, (record) => records.push(record));
  return records;
}

describe("while somebody captures", () => {
  test("nothing is copied before he begins and after he ends", () => {
    device.inject(hello);
    loop.turn();
    ring.level = CaptureLevel.Packets;
    device.inject(plain);
    loop.turn();
    expect(taken()).toHaveLength(2);
    ring.level = CaptureLevel.Off;
    device.inject(plain);
    loop.turn();
    expect(taken()).toEqual([]);
  });

  test("each packet is followed by those that leave in its place, with what was decided", () => {
    ring.level = CaptureLevel.Packets;
    device.inject(plain);
    device.inject(hello);
    loop.turn();
    const [before, after, ...planned] = taken();
    const passed = { number: 0, verdict: Verdict.Pass, reason: Reason.PassOrdinary, rule: -1, octets: plain };
    expect(before).toMatchObject({ ...passed, kind: CaptureKind.Before });
    expect(after).toMatchObject({ ...passed, kind: CaptureKind.After, index: 0, count: 1 });
    const decided = { number: 1, verdict: Verdict.Replace, reason: Reason.ReplacePlanned, rule: 1, l7: L7.Tls };
    expect(planned).toMatchObject([
      { ...decided, kind: CaptureKind.Before, octets: hello },
      ...[0, 7, 14].map((delayMs, index) => ({ ...decided, kind: CaptureKind.After, index, count: 3, delayMs })),
    ]);
  });

  test.each([CaptureLevel.Packets, CaptureLevel.Messages])(
    "what leaves is the same, copied or not: level %i",
    (level) => {
      const payload = clientHello({ serverName: "plain.example.org" });
      const packets = Array.from({ length: 60 }, (_, i) =>
        i % 3 === 0 ? plain : tcpPacket({ ...ENDS, sourcePort: 50_000 + i, flags: "PA", payload }),
      );
      const sentAt = (wanted: CaptureLevel): Uint8Array[] => {
        ring.level = wanted;
        for (const packet of packets) device.inject(packet);
        while (loop.turn() > 0);
        return egress.take();
      };
      const sent = sentAt(CaptureLevel.Off);
      expect(sent).toHaveLength(20 + 40 * 2);
      expect(sentAt(level)).toEqual(sent);
      const copied = taken().filter(({ kind }) => kind === CaptureKind.After);
      const isWanted = (packet: Uint8Array): boolean =>
        level === CaptureLevel.Packets || packet.length !== plain.length;
      expect(copied.map(({ octets }) => octets)).toEqual(sent.filter(isWanted));
    },
  );

  test("packets without a message are left out where messages alone are wanted", () => {
    ring.level = CaptureLevel.Messages;
    device.inject(plain);
    device.inject(hello);
    loop.turn();
    expect(taken().map(({ l7 }) => l7)).toEqual([L7.Tls, L7.Tls, L7.Tls, L7.Tls]);
  });

  test("heads are messages as they came up, and nothing of what leaves", () => {
    ring.level = CaptureLevel.Heads;
    device.inject(plain);
    device.inject(hello);
    loop.turn();
    expect(taken()).toMatchObject([{ kind: CaptureKind.Before, l7: L7.Tls, rule: 1, count: 3, octets: hello }]);
    expect(egress.take()).toHaveLength(1 + 1);
  });

  test("heads of QUIC are every datagram that has a part of a hello", async () => {
    const engine = await Engine.create({ warm: false });
    engine.loadRules(encodeRules(parseProfile('[[rule]]\nname = "all"\nstrategy = "quic: tos(8)"\n')));
    loop = new LaneLoop(device, egress, engine.lane(0), 100, { capture: ring });
    ring.level = CaptureLevel.Heads;
    const datagrams = quicInitials({ datagrams: 2 }).map((payload) => udpPacket({ ...ENDS, payload }));
    for (const each of [...datagrams, ...datagrams]) device.inject(each);
    loop.turn();
    expect(taken().map(({ l7, octets }) => [l7, octets])).toEqual(
      [...datagrams, ...datagrams].map((octets) => [L7.Quic, octets]),
    );
  });

  test("a message that does not become whole is seen when it is held and when it is released", async () => {
    ring.level = CaptureLevel.Packets;
    const half = tcpPacket({ ...ENDS, seq: 1000, payload: HELLO.slice(0, 100) });
    device.inject(half);
    loop.turn();
    expect(taken()).toMatchObject([{ kind: CaptureKind.Before, verdict: Verdict.Hold, count: 0, octets: half }]);
    await Bun.sleep(HOLD_MAX_MS + 20);
    loop.turn();
    expect(taken()).toMatchObject([{ kind: CaptureKind.Released, octets: half }]);
  });

  test("what is released by a packet that comes up stands before it", async () => {
    ring.level = CaptureLevel.Packets;
    const half = tcpPacket({ ...ENDS, seq: 1000, payload: HELLO.slice(0, 100) });
    device.inject(half);
    loop.turn();
    taken();
    await Bun.sleep(HOLD_MAX_MS + 20);
    device.inject(plain);
    loop.turn();
    expect(taken().map(({ kind }) => kind)).toEqual([CaptureKind.Released, CaptureKind.Before, CaptureKind.After]);
  });
});
