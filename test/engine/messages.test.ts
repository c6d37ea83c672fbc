// Messages as TCP stacks really send them: with options of every kind, behind extension headers, in fragments, with
// urgent octets, on a SYN, after a simultaneous open, between keep-alives and window probes, several on one connection.
// What a plan can be made of is planned, and the endpoint reads it; everything else leaves octet for octet as it came.
import { beforeAll, describe, expect, test } from "bun:test";
import { L7, Marker, Technique } from "@bunnel/abi";
import type { Engine, EngineBuild } from "@bunnel/engine";
import {
  clientHello,
  decodePacket,
  type ExtensionHeader,
  fragmentsOf,
  httpRequest,
  tcpOptions,
  tcpOptionsOf,
  type TcpFields,
  type TcpOption,
  tcpPacket,
  verifyChecksums,
} from "@bunnel/wire";
import fc from "fast-check";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { BUILDS, carry, engineOf } from "./rig.ts";
import { type Op, writeTable } from "./table-writer.ts";

const HELLO = clientHello({ serverName: "video.example.org", padToBytes: 517 });
const V4 = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const V6 = { ...V4, source: "2001:db8::7", destination: "2001:db8:1::9" };
const CUT: readonly Op[] = [
  { technique: Technique.Split, points: [[Marker.MidSld, 0]] },
  { technique: Technique.Disorder },
];
const RUNS = 300;

/** An option of each kind that is in use or was, well formed and not (IANA, TCP Option Kind Numbers). */
const anyOption: fc.Arbitrary<TcpOption> = fc.oneof(
  fc.constantFrom<TcpOption>({ kind: "nop" }, { kind: "sackPermitted" }, { kind: "eol" }),
  fc.nat(0xffff).map((bytes): TcpOption => ({ kind: "mss", bytes })),
  fc.nat(14).map((shift): TcpOption => ({ kind: "windowScale", shift })),
  fc
    .array(fc.tuple(fc.nat(9999), fc.nat(9999)), { minLength: 1, maxLength: 2 })
    .map((blocks): TcpOption => ({ kind: "sack", blocks })),
  fc.tuple(fc.nat(), fc.nat()).map(([value, echo]): TcpOption => ({ kind: "timestamps", value, echo })),
  fc.constant<TcpOption>({ kind: "md5", digest: new Uint8Array(16) }),
  fc
    .record({
      number: fc.constantFrom(6, 7, 9, 10, 14, 15, 27, 28, 29, 30, 34, 69, 253, 254, 255),
      data: fc.uint8Array({ maxLength: 8 }),
    })
    .map(({ number, data }): TcpOption => ({ kind: "other", number, data })),
);
const anyOptions = fc
  .array(anyOption, { maxLength: 5 })
  .map((options) => tcpOptions(options))
  .filter((octets) => octets.length <= 40);

const header = fc
  .record({ protocol: fc.constantFrom(0, 43, 60), units: fc.nat(2) })
  .map(({ protocol, units }): ExtensionHeader => ({ protocol, data: new Uint8Array(6 + 8 * units) }));
const anyHeaders = fc.array(header, { minLength: 1, maxLength: 4 });

describe.each(BUILDS)("messages, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  function load(l7: L7, ops: readonly Op[] = CUT): void {
    engine.reset();
    engine.loadRules(writeTable(l7, ops));
  }

  function connect(l7: L7.Tls | L7.Http = L7.Tls, more: Partial<ConnectionOptions> = {}): Connection {
    load(l7);
    const path = {
      family: 4,
      port: l7 === L7.Tls ? 443 : 80,
      firstSeq: 1000,
      timestamps: true,
      segmentBytes: 1400,
    } as const;
    return new Connection(engine, { ...path, ...more }).open();
  }

  /** A packet of the connection with something in it changed. */
  function rebuilt(packet: Uint8Array, change: Partial<TcpFields>): Uint8Array {
    const { source, destination, sourcePort, destinationPort, seq, ack, tcpFlags, id, payload } = decodePacket(packet);
    const options = tcpOptions(tcpOptionsOf(packet));
    const fields = {
      source,
      destination,
      sourcePort,
      destinationPort,
      seq,
      ack,
      flags: tcpFlags,
      id,
      options,
      payload,
    };
    return tcpPacket({ ...fields, ...change });
  }

  const payloadsInOrder = (packets: readonly Uint8Array[]): Uint8Array => {
    const parts = packets.map((packet) => decodePacket(packet)).toSorted((a, b) => (a.seq - b.seq) | 0);
    return new Uint8Array(Buffer.concat(parts.map(({ payload }) => payload)));
  };

  test("TCP options of every kind stay on every piece, as they were", () => {
    load(L7.Tls);
    fc.assert(
      fc.property(anyOptions, fc.boolean(), (options, v6) => {
        const packet = tcpPacket({ ...(v6 ? V6 : V4), seq: 0xffff_ff80, flags: "PA", options, payload: HELLO });
        engine.reset();
        const sent = carry(engine, packet);
        expect(sent).toHaveLength(2);
        expect(payloadsInOrder(sent)).toEqual(HELLO);
        for (const out of sent) {
          expect(tcpOptionsOf(out)).toEqual(tcpOptionsOf(packet));
          expect(verifyChecksums(out).transport).toBe(true);
        }
      }),
      { numRuns: RUNS },
    );
  });

  test("IPv6 extension headers stand before every piece, as they were", () => {
    load(L7.Tls);
    fc.assert(
      fc.property(anyHeaders, (extensionHeaders) => {
        const packet = tcpPacket({ ...V6, flags: "PA", payload: HELLO, extensionHeaders });
        engine.reset();
        const sent = carry(engine, packet);
        expect(sent).toHaveLength(2);
        expect(payloadsInOrder(sent)).toEqual(HELLO);
        const { l4Offset } = decodePacket(packet);
        for (const out of sent) {
          expect(out.subarray(40, l4Offset)).toEqual(packet.subarray(40, l4Offset));
          expect(verifyChecksums(out).transport).toBe(true);
        }
      }),
      { numRuns: RUNS },
    );
  });

  test("fragments of a message leave as they came: only a whole packet can be planned", () => {
    load(L7.Tls);
    for (const ends of [V4, V6]) {
      for (const fragment of fragmentsOf(tcpPacket({ ...ends, flags: "PA", payload: HELLO }), [240, 200])) {
        expect(carry(engine, fragment)).toEqual([fragment]);
      }
    }
  });

  test("a hello with urgent octets leaves as it came: cut, the pointer would point elsewhere", () => {
    const connection = connect();
    const packet = rebuilt(connection.segment(HELLO, 0, HELLO.length).packet, { flags: "UPA", urgent: 5 });
    expect(connection.send(packet)).toEqual([packet]);
  });

  test("TCP Fast Open: data on a SYN is the application's, and no technique of the SYN takes its place", () => {
    const text = new Uint8Array(100).fill(7);
    const cookie: TcpOption = { kind: "other", number: 34, data: new Uint8Array(8) };
    const syn = tcpPacket({
      ...V4,
      flags: "S",
      options: tcpOptions([{ kind: "mss", bytes: 1460 }, cookie]),
      payload: HELLO,
    });
    load(L7.Tls);
    expect(carry(engine, syn)).toEqual([syn]);
    load(L7.Syn, [{ technique: Technique.SynData, text, decoy: 3 }]);
    expect(carry(engine, syn)).toEqual([syn]);
    load(L7.Syn, [{ technique: Technique.Mss, word: 88 }]);
    const [out = syn] = carry(engine, syn);
    expect(decodePacket(out).payload).toEqual(HELLO);
    expect(tcpOptionsOf(out)).toEqual([{ kind: "mss", bytes: 88 }, cookie]);
  });

  test("after a simultaneous open either side's hello is planned", () => {
    load(L7.Tls);
    const there = { ...V4, seq: 100 };
    const back = { source: V4.destination, destination: V4.source, sourcePort: 443, destinationPort: 40000, seq: 500 };
    for (const packet of [
      tcpPacket({ ...there, flags: "S" }),
      tcpPacket({ ...back, flags: "S" }),
      tcpPacket({ ...there, flags: "SA", ack: 501 }),
      tcpPacket({ ...back, flags: "SA", ack: 101 }),
    ]) {
      expect(carry(engine, packet)).toEqual([packet]);
    }
    for (const ends of [
      { ...there, ack: 501 },
      { ...back, ack: 101 },
    ]) {
      const sent = carry(engine, tcpPacket({ ...ends, seq: ends.seq + 1, flags: "PA", payload: HELLO }));
      expect(sent).toHaveLength(2);
      expect(payloadsInOrder(sent)).toEqual(HELLO);
    }
    expect(engine.counters().flows).toBe(1);
  });

  test("keep-alives behind a planned message leave as they came, without an octet and with one of rubbish", () => {
    const connection = connect();
    const { packet } = connection.segment(HELLO, 0, HELLO.length);
    connection.deliver(connection.send(packet));
    const seq = decodePacket(packet).seq + HELLO.length - 1;
    for (const payload of [new Uint8Array(0), Uint8Array.of(0x5a)]) {
      const probe = rebuilt(packet, { seq, flags: "A", payload });
      expect(connection.send(probe)).toEqual([probe]);
      connection.deliver([probe]);
    }
    expect(connection.stream).toEqual(HELLO);
    expect(connection.state).toBe("established");
  });

  test("a window probe takes the first octet of a hello along: the hello is planned all the same, and read", () => {
    const connection = connect();
    const probe = connection.segment(HELLO, 0, 1).packet;
    expect(connection.send(probe)).toEqual([probe]);
    connection.deliver([probe]);
    // The window opened: the client sends all that was not acknowledged, or all from the start.
    const whole = connection.send(connection.segment(HELLO, 0, HELLO.length).packet);
    expect(whole).toHaveLength(2);
    connection.deliver(whole);
    expect(connection.stream).toEqual(HELLO);
    const other = connect();
    const rest = other.segment(HELLO, 1, HELLO.length).packet;
    other.deliver(other.send(other.segment(HELLO, 0, 1).packet));
    other.deliver(other.send(rest));
    expect(other.stream).toEqual(HELLO);
  });

  test("several requests on one connection are each planned, wherever the sequence number wraps", () => {
    const hosts = ["video.example.org", "www.example.org", "a.example"];
    const requests = hosts.map((host) => httpRequest({ host, headers: [["User-Agent", "example/1.0"]] }));
    const all = new Uint8Array(Buffer.concat(requests));
    for (let firstSeq = 0xffff_ffff - all.length; firstSeq <= 0xffff_ffff; firstSeq += 7) {
      const connection = connect(L7.Http, { firstSeq });
      let at = 0;
      for (const request of requests) {
        const sent = connection.send(connection.segment(all, at, (at += request.length)).packet);
        expect(sent).toHaveLength(2);
        connection.deliver(sent);
      }
      expect(connection.stream).toEqual(all);
      expect(engine.counters().messagesHttp).toBe(3);
    }
  });

  test("requests in one segment leave as one message: the first host decides, and all is read", () => {
    const [one, two] = ["video.example.org", "www.example.org"].map((host) => httpRequest({ host }));
    const both = new Uint8Array(Buffer.concat([one ?? HELLO, two ?? HELLO]));
    const connection = connect(L7.Http);
    const sent = connection.send(connection.segment(both, 0, both.length).packet);
    expect(sent).toHaveLength(2);
    connection.deliver(sent);
    expect(connection.stream).toEqual(both);
  });
});
