// What happens where there is no room: in the list of packets, in a place for a held message, in a bucket of flows.
import { beforeAll, describe, expect, test } from "bun:test";
import {
  FLOW_BUCKET_BYTES,
  FLOW_TAGS_BASE,
  HOLD_MAX_MS,
  HOLD_MESSAGE_MAX_BYTES,
  L7,
  Marker,
  Reason,
  Technique,
  TX_MAX,
} from "@bunnel/abi";
import type { Engine, EngineBuild, Lane } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import {
  clientHello,
  decodePacket,
  quicInitials,
  superDatagram,
  superPacket,
  type SuperPacket,
  tcpPacket,
  udpPacket,
} from "@bunnel/wire";
import { BUILDS, engineOf } from "./rig.ts";
import { type Op, writeTable } from "./table-writer.ts";

const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const OTHER = { ...ENDS, sourcePort: 50000, destinationPort: 5001 };
const HOST = "video.example.org";
const HELLO = clientHello({ serverName: HOST, padToBytes: 700 });
const SPLIT: Op = { technique: Technique.Split, points: [[Marker.MidSld, 0]] };
const DUP: Op = { technique: Technique.Duplicate, repeats: 1 };

/** A super-packet without a message in it, which fills so many places of the list. */
const filler = (pieces: number): SuperPacket =>
  superPacket({ ...OTHER, flags: "A", payload: new Uint8Array(pieces) }, 1);

/** Half of a hello, as a super-packet of one octet each. */
const half = (from: number, to: number): SuperPacket =>
  superPacket({ ...ENDS, seq: 1000 + from, flags: "A", payload: HELLO.slice(from, to) }, 1);

describe.each(BUILDS)("room, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  function laneOf(rules: Uint8Array): Lane {
    engine.reset();
    engine.loadRules(rules);
    return engine.lane(0, { rxVnet: true, mtuBytes: 1500 });
  }

  /** One burst; what each poll let go, and how far it came. */
  function polls(
    lane: Lane,
    packets: readonly SuperPacket[],
    names?: () => string | undefined,
  ): [number, Uint8Array[]][] {
    for (const [i, { packet, header }] of packets.entries()) lane.place(i, packet, header);
    const found: [number, Uint8Array[]][] = [];
    for (let done = 0; done < packets.length;) {
      done = lane.poll(done, packets.length, 0);
      found.push([done, lane.sent()]);
      const { question } = lane;
      const name = names?.();
      if (question) lane.answer(question, name === undefined ? "incomplete" : { name });
      if (found.length > 8) throw new Error("expected an end of the burst, found none");
    }
    return found;
  }

  const plain = (packet: Uint8Array): SuperPacket => ({ header: new Uint8Array(10), packet });
  const payloadOf = (packets: readonly Uint8Array[]): Uint8Array =>
    new Uint8Array(Buffer.concat(packets.map((packet) => decodePacket(packet).payload)));

  test("a held message that became whole waits for the next poll where the list is full, and is then planned", () => {
    const lane = laneOf(writeTable(L7.Tls, [SPLIT]));
    expect(polls(lane, [half(0, 350)])).toEqual([[1, []]]);
    const [first, second, ...more] = polls(lane, [filler(1500), half(350, 700)]);
    expect(more).toEqual([]);
    expect([first?.[0], first?.[1].length]).toEqual([1, 1500]);
    expect([second?.[0], second?.[1].length]).toEqual([2, 700]);
    expect(payloadOf(second?.[1] ?? [])).toEqual(HELLO);
    expect(lane.meta(1).reason).toBe(Reason.ReplacePlanned);
    expect(lane.heldCount).toBe(0);
  });

  test("one that no rule asks for is let go in the next poll, all of it, in order", () => {
    const text = `[[rule]]\nname = "other"\nhosts = ["other.example"]\nstrategy = "tls: split(1)"\n`;
    const lane = laneOf(encodeRules(parseProfile(text)));
    expect(polls(lane, [half(0, 350)])).toEqual([[1, []]]);
    const [first, second] = polls(lane, [filler(1800), half(350, 700)]);
    expect([first?.[0], first?.[1].length]).toEqual([1, 1800]);
    expect(payloadOf(second?.[1] ?? [])).toEqual(HELLO);
    expect(engine.counters()).toMatchObject({ packetsIn: 3, held: 0 });
  });

  test("datagrams that were kept for a name leave together, in the poll behind the answer", () => {
    const lane = laneOf(writeTable(L7.Quic, [DUP]));
    const three = quicInitials({ serverName: HOST, datagrams: 3 });
    const [one, two, last] = three.map((payload) => plain(udpPacket({ ...ENDS, payload })));
    if (one === undefined || two === undefined || last === undefined) throw new Error("expected three datagrams");
    polls(lane, [one]);
    polls(lane, [two]);
    expect(lane.heldCount).toBe(2);
    const found = polls(lane, [filler(TX_MAX - 2), last], () => HOST);
    expect(found.map(([done, sent]) => [done, sent.length])).toEqual([
      [1, TX_MAX - 2],
      [2, 4],
    ]);
    const sent = found.at(-1)?.[1].map((packet) => decodePacket(packet).payload) ?? [];
    // The first of them is planned, the others follow as they came.
    expect(sent).toEqual([three[0], three[0], three[1], three[2]].map((payload) => payload ?? new Uint8Array()));
    expect(lane.heldCount).toBe(0);
  });

  test("what is too much for the whole list is dropped, and counted", () => {
    const lane = laneOf(writeTable(L7.Tls, [SPLIT]));
    expect(polls(lane, [filler(TX_MAX + 1)])).toEqual([[1, []]]);
    expect(lane.meta(0).reason).toBe(Reason.DropBadOffload);
  });

  test("the beginning of a hello that is larger than a place is not held", () => {
    const lane = laneOf(writeTable(L7.Tls, [SPLIT]));
    const long = clientHello({ serverName: HOST, padToBytes: HOLD_MESSAGE_MAX_BYTES + 3000 });
    const payload = long.slice(0, HOLD_MESSAGE_MAX_BYTES + 1);
    const [[done, sent] = [0, []]] = polls(lane, [superPacket({ ...ENDS, flags: "A", payload }, 1400)]);
    expect(done).toBe(1);
    expect(payloadOf(sent)).toEqual(payload);
    expect(lane.heldCount).toBe(0);
  });

  test("a datagram of many that is larger than a place is not kept for its name", () => {
    const lane = laneOf(writeTable(L7.Quic, [DUP]));
    const [initial = new Uint8Array()] = quicInitials({ serverName: HOST, datagrams: 2 });
    const payload = new Uint8Array(40_000);
    payload.set(initial);
    const found = polls(lane, [superDatagram({ ...ENDS, payload }, 1200)]);
    expect(payloadOf(found.flatMap(([, sent]) => sent))).toEqual(payload);
    expect(lane.heldCount).toBe(0);
  });

  test("a flow whose bucket is locked goes untracked; its hello is planned and not remembered", () => {
    const lane = laneOf(writeTable(L7.Tls, [SPLIT]));
    const locks = new Uint32Array(
      engine.memory,
      FLOW_TAGS_BASE,
      (engine.transfer.table.buckets * FLOW_BUCKET_BYTES) / 4,
    );
    const lock = (word: number): void => {
      for (let i = 0; i < locks.length; i += FLOW_BUCKET_BYTES / 4) locks[i] = word;
    };
    lock(1);
    const [[, sent] = [0, []]] = polls(lane, [plain(tcpPacket({ ...ENDS, flags: "PA", payload: HELLO }))]);
    expect(sent).toHaveLength(2);
    expect(payloadOf(sent)).toEqual(HELLO);
    expect(lane.meta(0).flow).toBe(0);
    expect(engine.counters()).toMatchObject({ flowsUntracked: 1, flowsInserted: 0 });
    // The beginning of one cannot be held without a flow: it is planned as far as it goes.
    const [[, part] = [0, []]] = polls(lane, [half(0, 350)]);
    expect(payloadOf(part)).toEqual(HELLO.slice(0, 350));
    expect(engine.expireFlows(500_000, 1)).toBe(0);
    lock(0);
  });

  test("a datagram of one flow says nothing about what is kept for another", () => {
    const lane = laneOf(writeTable(L7.Quic, [DUP]));
    const [one = new Uint8Array()] = quicInitials({ serverName: HOST, datagrams: 2 });
    polls(lane, [plain(udpPacket({ ...ENDS, payload: one }))]);
    expect(lane.heldCount).toBe(1);
    for (let sourcePort = 41000; sourcePort < 41060; sourcePort++) {
      const found = polls(lane, [plain(udpPacket({ ...ENDS, sourcePort, payload: one }))], () => HOST);
      expect(found.at(-1)?.[1]).toHaveLength(2);
    }
    expect(lane.heldCount).toBe(1);
  });

  test("held messages that are due leave as they came, in as many polls as the list has room for", () => {
    const lane = laneOf(writeTable(L7.Tls, [SPLIT]));
    const flows = Array.from({ length: 12 }, (_, i) => ({ ...ENDS, sourcePort: 40000 + i, flags: "A" }) as const);
    for (const flow of flows) polls(lane, [superPacket({ ...flow, payload: HELLO.slice(0, 350) }, 1)]);
    const held = lane.heldCount;
    expect(held * 350).toBeGreaterThan(TX_MAX);
    const left: number[] = [];
    for (let nowMs = HOLD_MAX_MS; lane.heldCount > 0; nowMs++) {
      lane.poll(0, 0, nowMs);
      left.push(lane.sent().length);
      if (left.length > 12) throw new Error("expected all to be let go, found some that stay");
    }
    expect(left.every((packets) => packets > 0 && packets % 350 === 0)).toBe(true);
    expect(left.reduce((all, packets) => all + packets, 0)).toBe(held * 350);
  });

  test("a packet of the side that answers, which waits for the next poll, is counted once", () => {
    const lane = laneOf(writeTable(L7.Tls, [SPLIT]));
    const back = { source: ENDS.destination, destination: ENDS.source, sourcePort: 443, destinationPort: 40000 };
    polls(lane, [plain(tcpPacket({ ...ENDS, flags: "S" }))]);
    const answer = superPacket({ ...back, flags: "A", payload: new Uint8Array(1500) }, 1);
    expect(polls(lane, [filler(1500), answer]).map(([done]) => done)).toEqual([1, 2]);
    const flow = engine.flows(0).find(({ destination }) => destination.port === 443);
    expect([flow?.packetsOut, flow?.packetsIn, flow?.bytesIn]).toEqual([1, 1, answer.packet.length]);
  });
});
