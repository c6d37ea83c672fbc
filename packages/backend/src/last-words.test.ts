// What is said once reaches who waits for it, also where the way out is full for a while and the backlog, too.
import { afterEach, beforeEach, describe, expect, setSystemTime, test } from "bun:test";
import { MemoryDevice } from "@bunnel/device";
import { MemoryEgress } from "@bunnel/egress";
import { Engine, QuicNames } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import {
  decodePacket,
  fragmentsOf,
  icmpEcho,
  ipPacket,
  quicHello,
  quicInitials,
  tcpPacket,
  udpPacket,
} from "@bunnel/wire";
import { isSaidOnce, WORDS_KEPT_MS } from "./last-words.ts";
import { LaneLoop } from "./lane-loop.ts";

const ENDS4 = { source: "192.0.2.7", destination: "203.0.113.9" };
const ENDS6 = { source: "2001:db8::7", destination: "2001:db8:2::9" };
const PORTS = { sourcePort: 40_000, destinationPort: 443 };
const START_MS = 1_700_000_000_000;
const QUEUE_MAX = 3;
/** RFC 9293 section 3.1 */
const TCP_RST = 4;

/** An ICMP message of a type, with a word and eight octets of what it is about. */
function icmp(ends: typeof ENDS4, protocol: number, type: number): Uint8Array {
  return ipPacket({ ...ends, protocol, payload: Uint8Array.of(type, 3, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8) });
}

describe("isSaidOnce()", () => {
  const yes = (packet: Uint8Array): boolean => isSaidOnce(packet, 0, packet.length);

  test.each([ENDS4, ENDS6])("is true of resets and errors: %p", (ends) => {
    for (const flags of ["R", "RA"]) expect(yes(tcpPacket({ ...ends, ...PORTS, flags }))).toBe(true);
    const errors = ends === ENDS4 ? [3, 11, 12] : [1, 2, 3, 4, 127];
    for (const type of errors) expect(yes(icmp(ends, ends === ENDS4 ? 1 : 58, type))).toBe(true);
  });

  test.each([ENDS4, ENDS6])("is false of what its sender repeats, or nobody waits for: %p", (ends) => {
    for (const flags of ["S", "SA", "A", "PA", "FA"]) expect(yes(tcpPacket({ ...ends, ...PORTS, flags }))).toBe(false);
    expect(yes(udpPacket({ ...ends, ...PORTS, payload: Uint8Array.of(0, 3, 4, 4, 4, 4, 4, 4) }))).toBe(false);
    expect(yes(icmpEcho({ ...ends, id: 1, sequence: 1, payload: new Uint8Array(8) }))).toBe(false);
    // The other family's protocol means nothing.
    expect(yes(icmp(ends, ends === ENDS4 ? 58 : 1, 3))).toBe(false);
  });

  test("looks at no octet that is not there, and at no later fragment", () => {
    const reset = tcpPacket({ ...ENDS4, ...PORTS, flags: "R" });
    for (let bytes = 0; bytes <= 33; bytes++) expect(isSaidOnce(reset, 0, bytes)).toBe(false);
    const error = ipPacket({ ...ENDS4, protocol: 1, payload: new Uint8Array(64).fill(3) });
    expect(fragmentsOf(error, [32, 32]).map(yes)).toEqual([true, false]);
  });
});

describe("a lane whose way out is full", () => {
  let engine: Engine;
  let device: MemoryDevice;
  let egress: MemoryEgress;

  beforeEach(async () => {
    setSystemTime(START_MS);
    engine = await Engine.create({ warm: false });
    device = MemoryDevice.open();
    egress = new MemoryEgress({ packetsMax: 1 });
  });
  afterEach(() => setSystemTime());

  const openLoop = (answers = false): LaneLoop =>
    new LaneLoop(device, egress, engine.lane(0), QUEUE_MAX, { answers, names: new QuicNames() });
  const ordinary = (seq: number): Uint8Array => tcpPacket({ ...ENDS4, ...PORTS, flags: "A", seq });

  /** Fills the way out, which takes one, and the backlog; whatever comes then finds no room. */
  function fill(loop: LaneLoop): void {
    for (let seq = 0; seq <= QUEUE_MAX; seq++) device.inject(ordinary(seq));
    loop.turn();
  }

  test("sends resets and errors when there is room again, behind what came before them", () => {
    const loop = openLoop();
    fill(loop);
    const once = [tcpPacket({ ...ENDS6, ...PORTS, flags: "RA" }), icmp(ENDS4, 1, 3)];
    for (const packet of [ordinary(98), ...once, ordinary(99)]) device.inject(packet);
    loop.turn();
    expect(engine.counters()).toMatchObject({ queueDropped: 2, answersDropped: 0 });
    const sent: Uint8Array[] = [];
    for (let turns = 0; turns < 20; turns++) {
      sent.push(...egress.take());
      loop.turn();
    }
    expect(sent.slice(-2)).toEqual(once);
    expect(sent).toHaveLength(QUEUE_MAX + 1 + once.length);
    expect(engine.counters()).toMatchObject({ egressSent: sent.length, queueDropped: 2, answersDropped: 0 });
  });

  test("does so with what the engine itself answers", () => {
    engine.loadRules(encodeRules(parseProfile('[[rule]]\nname = "a"\nstrategy = "quic: drop"\n')));
    const loop = openLoop(true);
    fill(loop);
    const [payload = new Uint8Array()] = quicInitials({
      hello: quicHello({ serverName: "video.example.org" }),
      datagrams: 1,
    });
    device.inject(udpPacket({ ...ENDS4, ...PORTS, payload }));
    loop.turn();
    let last: Uint8Array | undefined;
    for (let turns = 0; turns < 20; turns++) {
      last = egress.take().at(-1) ?? last;
      loop.turn();
    }
    const { source, destination, protocol } = decodePacket(last ?? new Uint8Array());
    expect([source, destination, protocol]).toEqual([ENDS4.destination, ENDS4.source, 1]);
    expect(engine.counters()).toMatchObject({ dropped: 1, queueDropped: 0, answersDropped: 0 });
  });

  test("gives them up when their time is over, and counts them", () => {
    const loop = openLoop();
    fill(loop);
    device.inject(tcpPacket({ ...ENDS4, ...PORTS, flags: "R" }));
    loop.turn();
    setSystemTime(START_MS + WORDS_KEPT_MS - 1);
    loop.turn();
    expect(engine.counters().answersDropped).toBe(0);
    setSystemTime(START_MS + WORDS_KEPT_MS);
    loop.turn();
    loop.turn();
    expect(engine.counters()).toMatchObject({ queueDropped: 0, answersDropped: 1 });
  });

  test("counts those that find no room even so", () => {
    const loop = openLoop();
    fill(loop);
    const COUNT = 3000;
    for (let seq = 0; seq < COUNT; seq++) {
      device.inject(tcpPacket({ ...ENDS4, ...PORTS, flags: "R", seq }));
      if (seq % 64 === 0) loop.turn();
    }
    while (loop.turn() > 0);
    const { answersDropped, queueDropped } = engine.counters();
    expect(queueDropped).toBe(0);
    expect(answersDropped).toBeGreaterThan(0);
    let resets = 0;
    for (let taken = egress.take(); taken.length > 0; taken = egress.take()) {
      resets += taken.filter((packet) => decodePacket(packet).tcpFlags === TCP_RST).length;
      loop.turn();
    }
    expect(resets + answersDropped).toBe(COUNT);
  });
});
