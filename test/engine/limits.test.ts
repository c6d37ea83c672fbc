// Words that the engine does not know, names and records at the edges, and what is forgotten in time.
import { beforeAll, describe, expect, test } from "bun:test";
import {
  HEADER_HOSTS_AT,
  HEADER_RULES_AT,
  HOST_HASH,
  HOST_SET,
  HttpTrick,
  L7,
  Marker,
  Reason,
  REMEMBER_MS,
  RULE_HOST_SET,
  Technique,
  TLS_RECORDS_MAX,
} from "@bunnel/abi";
import type { Engine, EngineBuild } from "@bunnel/engine";
import { clientHello, decodePacket, httpRequest, ipPacket, splitRecords, tcpPacket } from "@bunnel/wire";
import { Connection } from "./connection.ts";
import { BUILDS, carry, engineOf } from "./rig.ts";
import { type Op, writeTable } from "./table-writer.ts";

const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const HOST = "video.example.org";
const HELLO = clientHello({ serverName: HOST, padToBytes: 517 });
const cut = (marker: Marker, offset = 0): Op => ({ technique: Technique.Split, points: [[marker, offset]] });

describe.each(BUILDS)("limits, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  function pieces(l7: L7, ops: readonly Op[], payload: Uint8Array): Uint8Array[] {
    engine.reset();
    engine.loadRules(writeTable(l7, ops));
    return carry(engine, tcpPacket({ ...ENDS, flags: "PA", payload })).map((packet) => decodePacket(packet).payload);
  }

  test("a technique and a marker of a later version do nothing, and the message leaves as it came", () => {
    expect(pieces(L7.Tls, [{ technique: 99 as Technique }], HELLO)).toEqual([HELLO]);
    expect(pieces(L7.Tls, [cut(99 as Marker)], HELLO)).toEqual([HELLO]);
  });

  test("a name of one label is its own second-level domain, whole", () => {
    const hello = clientHello({ serverName: "localhost" });
    const [before, name, behind] = pieces(L7.Tls, [cut(Marker.Sld), cut(Marker.EndSld)], hello);
    expect(Buffer.from(name ?? [])).toEqual(Buffer.from("localhost"));
    expect((before?.length ?? 0) + (behind?.length ?? 0)).toBe(hello.length - 9);
  });

  test("of a hello in more records than are looked at the name is found where it lies in the first of them", () => {
    const ends = Array.from({ length: TLS_RECORDS_MAX + 2 }, (_, i) => 5 + 20 * (i + 1));
    const spread = splitRecords(clientHello({ serverName: HOST, padToBytes: 600, extensionOrder: "first" }), ends);
    const recordBytes = 5 + 20;
    // All the records that are looked at are there, the hello is not: nothing says how much is missing.
    const payload = spread.slice(0, (TLS_RECORDS_MAX + 1) * recordBytes);
    expect(Buffer.concat(pieces(L7.Tls, [cut(Marker.Absolute, 9)], payload))).toEqual(Buffer.from(payload));
    expect(pieces(L7.Tls, [cut(Marker.Absolute, 9)], payload)).toHaveLength(2);
  });

  test("a host table without an empty place ends the search for a name that is not in it", () => {
    const table = writeTable(L7.Tls, [cut(Marker.Absolute, 9)]);
    const view = new DataView(table.buffer);
    const place = view.getUint32(HEADER_HOSTS_AT, true);
    view.setUint32(place + HOST_HASH, 12345, true);
    view.setUint16(place + HOST_SET, 1, true);
    view.setUint16(view.getUint32(HEADER_RULES_AT, true) + RULE_HOST_SET, 1, true);
    engine.reset();
    engine.loadRules(table);
    const packet = tcpPacket({ ...ENDS, flags: "PA", payload: HELLO });
    expect(carry(engine, packet)).toEqual([packet]);
    expect(engine.counters().reasons[Reason[Reason.PassNoRule]]).toBe(1);
  });

  test("line feeds alone are not tried in a head that goes on in a later packet", () => {
    const head = httpRequest({ host: HOST, headers: [["User-Agent", "example/1.0"]] });
    const trick: Op = { technique: Technique.HttpTrick, value: HttpTrick.UnixEol };
    expect(pieces(L7.Http, [trick], head)).not.toEqual([head]);
    expect(pieces(L7.Http, [trick], head.slice(0, -2))).toEqual([head.slice(0, -2)]);
  });

  test("a planned message is forgotten in time: a part of it that comes then is no message", () => {
    engine.loadRules(writeTable(L7.Tls, [cut(Marker.Absolute, 300)]));
    const path = { family: 4, port: 443, firstSeq: 7, timestamps: true, segmentBytes: 1400 } as const;
    const connection = new Connection(engine, path).open();
    connection.send(connection.segment(HELLO, 0, HELLO.length).packet);
    connection.nowMs += REMEMBER_MS - 1;
    expect(connection.send(connection.segment(HELLO, 200, 400).packet)).toHaveLength(2);
    connection.nowMs += REMEMBER_MS + 1;
    expect(connection.send(connection.segment(HELLO, 200, 400).packet)).toHaveLength(1);
  });

  test("a part of a planned message is planned again, and one with another octet anywhere leaves as it came", () => {
    engine.loadRules(writeTable(L7.Tls, [cut(Marker.Absolute, 300)]));
    const path = { family: 4, port: 443, firstSeq: 7, timestamps: true, segmentBytes: 1400 } as const;
    const connection = new Connection(engine, path).open();
    connection.send(connection.segment(HELLO, 0, HELLO.length).packet);
    for (const size of [2, 7, 8, 15, 16, 17, 31, 32, 33, 100]) {
      const from = 300 - (size >> 1);
      expect(connection.send(connection.segment(HELLO, from, from + size).packet)).toHaveLength(2);
      for (let at = from; at < from + size; at++) {
        const other = HELLO.with(at, (HELLO[at] ?? 0) ^ 1);
        const { packet } = connection.segment(other, from, from + size);
        expect(connection.send(packet)).toEqual([packet]);
      }
    }
  });

  test("IPv6 of link-local scope stays where it is, if so asked, and is counted", () => {
    engine.reset();
    const chatter = ["fe80::1", "ff02::2"].map((destination) =>
      ipPacket({ source: "fe80::7", destination, protocol: 58, payload: new Uint8Array(8) }),
    );
    for (const packet of chatter) expect(carry(engine, packet, { dropLinkScope: true })).toEqual([]);
    expect(engine.counters().reasons[Reason[Reason.DropLinkScope]]).toBe(2);
    for (const packet of chatter) expect(carry(engine, packet)).toEqual([packet]);
  });
});
