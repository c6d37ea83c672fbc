// A message over several segments: held until it is whole, then planned as one; or, when it does not become whole in
// order and in time, let go as it came.
import { beforeAll, describe, expect, test } from "bun:test";
import { L7, Marker, Technique } from "@bunnel/abi";
import type { Engine, EngineBuild } from "@bunnel/engine";
import {
  clientHello,
  decodePacket,
  POST_QUANTUM_SHARE_BYTES,
  printPacket,
  splitRecords,
  TCP_FIN,
  TCP_PSH,
} from "@bunnel/wire";
import fc from "fast-check";
import { anyStrategy, hostName } from "./arbitrary.ts";
import { Connection } from "./connection.ts";
import { BUILDS, engineOf } from "./rig.ts";
import { type Op, writeTable } from "./table-writer.ts";

const RUNS = 200;
const DEADLINE_MS = 101;
const SPLIT: Op = { technique: Technique.Split, points: [[Marker.MidSld, 0]] };

/** A long hello and where it is cut into two to six segments. */
const cutHello = fc
  .record({
    host: hostName,
    bytes: fc.integer({ min: 1700, max: 4000 }),
    extensionOrder: fc.constantFrom("first" as const, "last" as const),
    family: fc.constantFrom(4 as const, 6 as const),
    segments: fc.integer({ min: 3, max: 6 }),
    shares: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 6, maxLength: 6 }),
  })
  .map(({ host, bytes, extensionOrder, family, segments, shares }) => {
    const octets = clientHello({
      serverName: host,
      keyShareBytes: POST_QUANTUM_SHARE_BYTES,
      padToBytes: bytes,
      extensionOrder,
    });
    const used = shares.slice(0, segments);
    const sum = used.reduce((total, share) => total + share, 0);
    let at = 0;
    const ends = used.map((share) => (at += Math.floor((bytes * share) / sum)));
    ends[ends.length - 1] = bytes;
    return { octets, family, ends: [...new Set(ends)].filter((end) => end >= 6) };
  })
  // A segment holds no more than a packet.
  .filter(({ ends }) => ends.every((end, i) => end - (ends[i - 1] ?? 0) <= 1440));

describe.each(BUILDS)("held messages, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  function connect(ops: readonly Op[], family: 4 | 6): Connection {
    engine.loadRules(writeTable(L7.Tls, ops));
    const lane = { rxVnet: false };
    const path = { family, port: 443, firstSeq: 0xffff_fa00, timestamps: true, segmentBytes: 1440, lane };
    return new Connection(engine, path).open();
  }

  const segmentsOf = (connection: Connection, octets: Uint8Array, ends: readonly number[]): Uint8Array[] =>
    ends.map((end, i) => connection.segment(octets, ends[i - 1] ?? 0, end).packet);

  test("segments in order: nothing leaves before the last, then all is planned, and the endpoint reads it", () => {
    fc.assert(
      fc.property(cutHello, anyStrategy(L7.Tls), ({ octets, family, ends }, ops) => {
        const connection = connect([SPLIT, ...ops.slice(0, 5)], family);
        const packets = segmentsOf(connection, octets, ends);
        const sent = packets.map((packet) => connection.send(packet));
        for (const early of sent.slice(0, -1)) expect(early).toEqual([]);
        const last = sent.at(-1) ?? [];
        expect(last.length).toBeGreaterThan(0);
        for (const out of last) expect(out.length).toBeLessThanOrEqual(1500);
        connection.deliver(last);
        expect(Buffer.from(connection.stream).equals(Buffer.from(octets))).toBe(true);
        expect(connection.lane.heldCount).toBe(0);
        const { packetsIn, passed, replaced, held, dropped } = engine.counters();
        expect(passed + replaced + held + dropped).toBe(packetsIn);
      }),
      { numRuns: RUNS },
    );
  });

  test("each segment sent again later is planned again, and the endpoint still reads the message", () => {
    fc.assert(
      fc.property(cutHello, anyStrategy(L7.Tls), fc.nat(5), ({ octets, family, ends }, ops, lost) => {
        const connection = connect(ops, family);
        const sent = segmentsOf(connection, octets, ends).flatMap((packet) => connection.send(packet));
        connection.deliver(sent.filter((_, i) => i % 6 !== lost));
        connection.nowMs += 250;
        for (const packet of segmentsOf(connection, octets, ends)) connection.deliver(connection.send(packet));
        expect(Buffer.from(connection.stream).equals(Buffer.from(octets))).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  test("a message that is not whole in time leaves octet for octet, in order, once", () => {
    fc.assert(
      fc.property(cutHello, fc.nat(4), ({ octets, family, ends }, count) => {
        const connection = connect([SPLIT], family);
        const packets = segmentsOf(connection, octets, ends).slice(0, Math.max(1, Math.min(count, ends.length - 1)));
        for (const packet of packets) expect(connection.send(packet)).toEqual([]);
        expect(connection.wait(DEADLINE_MS - 2)).toEqual([]);
        expect(connection.wait(2)).toEqual(packets);
        expect(connection.wait(DEADLINE_MS)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  test("segments in another order, or with one lost, leave untouched and none is lost", () => {
    fc.assert(
      fc.property(
        cutHello,
        fc.integer({ min: 1, max: 0x7fffffff }),
        fc.boolean(),
        ({ octets, family, ends }, seed, loses) => {
          const connection = connect([SPLIT], family);
          const packets = segmentsOf(connection, octets, ends);
          const order = packets.map((_, i) => ((i + 1) * seed) % 1009);
          const given = packets
            .toSorted((a, b) => (order[packets.indexOf(a)] ?? 0) - (order[packets.indexOf(b)] ?? 0))
            .slice(loses ? 1 : 0);
          fc.pre(given.some((packet, i) => packet !== packets[i]));
          const sent = given.flatMap((packet) => connection.send(packet));
          sent.push(...connection.wait(DEADLINE_MS));
          const lines = (list: readonly Uint8Array[]): string[] => list.map((packet) => hexOf(packet)).toSorted();
          expect(lines(sent)).toEqual(lines(given));
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("a hello in several records, each record a segment: how much is missing shows with each of them", () => {
    fc.assert(
      fc.property(cutHello, anyStrategy(L7.Tls), ({ octets, family, ends }, ops) => {
        const records = splitRecords(octets, ends.slice(0, -1));
        const boundaries = ends
          .map((end, i) => end + 5 * i)
          .map((end, i) => (i < ends.length - 1 ? end : records.length));
        const connection = connect([SPLIT, ...ops.slice(0, 5)], family);
        const sent = segmentsOf(connection, records, boundaries).map((packet) => connection.send(packet));
        for (const early of sent.slice(0, -1)) expect(early).toEqual([]);
        connection.deliver(sent.at(-1) ?? []);
        expect(Buffer.from(connection.stream).equals(Buffer.from(records))).toBe(true);
        expect(connection.lane.heldCount).toBe(0);
      }),
      { numRuns: RUNS },
    );
  });

  test("a last record of a few octets, which the headers of others stood for so far, is waited for too", () => {
    const octets = clientHello({ serverName: "video.example.org", padToBytes: 1800 });
    const records = splitRecords(octets, [600, 1200, 1797]);
    const connection = connect([SPLIT], 4);
    const boundaries = [600, 1205, 1807, records.length];
    const sent = segmentsOf(connection, records, boundaries).map((packet) => connection.send(packet));
    expect(sent.map((packets) => packets.length)).toEqual([0, 0, 0, 4]);
    connection.deliver(sent.flat());
    expect(connection.stream).toEqual(records);
  });

  test("the flags of the last octet stay with it: a FIN in the last segment leaves in the last piece", () => {
    const octets = clientHello({ serverName: "video.example.org", keyShareBytes: POST_QUANTUM_SHARE_BYTES });
    const connection = connect([SPLIT], 4);
    const [first, last] = segmentsOf(connection, octets, [1000, octets.length]);
    if (first === undefined || last === undefined) throw new Error("expected two segments");
    const fin = last.slice();
    fin[33] = (fin[33] ?? 0) | TCP_FIN;
    expect(connection.send(first)).toEqual([]);
    const sent = connection.send(fin);
    const flags = sent.map((packet) => decodePacket(packet).tcpFlags & (TCP_FIN | TCP_PSH));
    expect(flags.at(-1)).toBe(TCP_FIN | TCP_PSH);
    expect(flags.slice(0, -1).every((bits) => bits === 0)).toBe(true);
    expect(sent.map(printPacket).every((line) => !line.includes("badsum"))).toBe(true);
  });
});

const hexOf = (packet: Uint8Array): string => Buffer.from(packet).toString("hex");
