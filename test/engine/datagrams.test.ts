// The kinds that are one packet: QUIC with a host that answers, DNS, and the SYN.
import { beforeAll, describe, expect, test } from "bun:test";
import { Decoy, Fooling, L7, OpFlag, Technique } from "@bunnel/abi";
import type { Engine, EngineBuild } from "@bunnel/engine";
import {
  decodePacket,
  quicInitial,
  quicInitials,
  readQuicServerName,
  tcpOptions,
  tcpOptionsOf,
  tcpPacket,
  udpPacket,
  verifyChecksums,
} from "@bunnel/wire";
import fc from "fast-check";
import { hostName } from "./arbitrary.ts";
import { HOPS } from "./connection.ts";
import { BUILDS, engineOf } from "./rig.ts";
import { joinFragments } from "./fragments.ts";
import { type Op, writeTable } from "./table-writer.ts";

const RUNS = 300;
const MTU_BYTES = 1500;

const names = { look: (payload: Uint8Array) => nameIn(payload) };

function nameIn(payload: Uint8Array): { readonly name: string } | "incomplete" | "none" {
  const name = readQuicServerName([payload]);
  return name === undefined ? "none" : { name };
}

const query = (host: string): Uint8Array =>
  Uint8Array.from([
    ...[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
    ...host.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]),
    ...[0, 0, 1, 0, 1],
  ]);

const pattern = fc.oneof(
  fc.constantFrom<Partial<Op>>({ decoy: Decoy.Zeros }, { decoy: Decoy.Random }),
  fc.uint8Array({ minLength: 1, maxLength: 60 }).map((text): Partial<Op> => ({ decoy: Decoy.Payload, text })),
);

/** Techniques of a datagram whose payload stays what it is. */
const steadyOp: fc.Arbitrary<Op> = fc.oneof(
  fc
    .record({ decoy: pattern, repeats: fc.integer({ min: 1, max: 6 }), after: fc.boolean() })
    .map(({ decoy, repeats, after }): Op => ({
      ...decoy,
      technique: Technique.Fake,
      foolings: Fooling.Ttl,
      ttl: HOPS,
      repeats,
      flags: after ? OpFlag.After : 0,
    })),
  fc.record({ eights: fc.integer({ min: 1, max: 190 }), hopByHop: fc.boolean() }).map(({ eights, hopByHop }): Op => ({
    technique: Technique.IpFrag,
    value: eights * 8,
    flags: hopByHop ? OpFlag.HopByHop : 0,
  })),
  fc.integer({ min: 0, max: 3 }).map((value): Op => ({ technique: Technique.IpId, value })),
  fc.integer({ min: 1, max: 3 }).map((repeats): Op => ({ technique: Technique.Duplicate, repeats })),
  fc.integer({ min: 1, max: 9999 }).map((word): Op => ({ technique: Technique.Delay, word })),
  fc.integer({ min: HOPS + 1, max: 255 }).map((ttl): Op => ({ technique: Technique.Ttl, ttl })),
  fc.integer({ min: 0, max: 255 }).map((value): Op => ({ technique: Technique.Tos, value })),
);

const datagram = fc
  .record({
    host: hostName,
    kind: fc.constantFrom(L7.Quic as const, L7.Dns as const),
    bytes: fc.integer({ min: 1200, max: 1452 }),
    v6: fc.boolean(),
  })
  .map(({ host, kind, bytes, v6 }) => ({
    kind,
    payload: kind === L7.Dns ? query(host) : quicInitial({ serverName: host, padToBytes: bytes }),
    ends: {
      source: v6 ? "2001:db8::7" : "192.0.2.7",
      destination: v6 ? "2001:db8:1::9" : "203.0.113.9",
      sourcePort: 40000,
      destinationPort: kind === L7.Dns ? 53 : 443,
    },
  }));

describe.each(BUILDS)("datagrams, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  function carry(l7: L7, ops: readonly Op[], packets: readonly Uint8Array[]): Uint8Array[] {
    engine.reset();
    engine.loadRules(writeTable(l7, ops));
    const lane = engine.lane(0, { mtuBytes: MTU_BYTES });
    const sent: Uint8Array[] = [];
    for (const packet of packets) {
      lane.place(0, packet);
      lane.work(1, 0, () => sent.push(...lane.sent()), names);
    }
    return sent;
  }

  /** What an endpoint's application is given, datagram by datagram. */
  const received = (sent: readonly Uint8Array[]): Uint8Array[] =>
    joinFragments(sent.filter((packet) => decodePacket(packet).hopLimit > HOPS))
      .filter((packet) => verifyChecksums(packet).transport === true)
      .map((packet) => decodePacket(packet).payload);

  test("QUIC and DNS: the endpoint is given the datagram itself, once or more, and nothing else", () => {
    fc.assert(
      fc.property(datagram, fc.array(steadyOp, { minLength: 1, maxLength: 6 }), ({ kind, payload, ends }, ops) => {
        const sent = carry(kind, ops, [udpPacket({ ...ends, payload })]);
        for (const out of sent) expect(out.length).toBeLessThanOrEqual(MTU_BYTES);
        const given = received(sent);
        expect(given.length).toBeGreaterThan(0);
        for (const each of given) expect(each).toEqual(payload);
      }),
      { numRuns: RUNS },
    );
  });

  test("udplen: octets are added behind the payload or taken from its end, and the lengths say so", () => {
    const change = fc.integer({ min: -1400, max: 1400 }).filter((n) => n !== 0);
    fc.assert(
      fc.property(datagram, change, pattern, ({ kind, payload, ends }, value, filling) => {
        const packet = udpPacket({ ...ends, payload });
        const fits = payload.length + value > 0 && packet.length + value <= MTU_BYTES;
        const [out, ...more] = carry(kind, [{ technique: Technique.UdpLen, value, ...filling }], [packet]);
        expect(more).toEqual([]);
        if (out === undefined || !fits) {
          expect(out).toEqual(packet);
          return;
        }
        const made = decodePacket(out);
        expect(made.payloadBytes).toBe(payload.length + value);
        const kept = Math.min(payload.length, made.payloadBytes);
        expect(made.payload.slice(0, kept)).toEqual(payload.slice(0, kept));
        const { text } = filling;
        if (text !== undefined) {
          const behind = made.payload.slice(kept);
          expect([...behind]).toEqual([...behind].map((_, i) => text[i % text.length] ?? -1));
        }
        expect(verifyChecksums(out).transport).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  test("udplen: a datagram that is sent again is changed in the same way", () => {
    const change = fc.integer({ min: -10, max: 40 }).filter((n) => n !== 0);
    const queries = datagram.filter(({ kind }) => kind === L7.Dns);
    fc.assert(
      fc.property(queries, change, pattern, ({ kind, payload, ends }, value, filling) => {
        const packet = udpPacket({ ...ends, payload });
        const op = { technique: Technique.UdpLen, ...filling, value, ...(value < 0 && { decoy: Decoy.Zeros }) };
        const [first, again, ...more] = carry(kind, [op], [packet, packet]);
        expect(more).toEqual([]);
        expect(first).not.toEqual(packet);
        expect(again).toEqual(first);
      }),
      { numRuns: RUNS },
    );
  });

  test("QUIC: a name in two datagrams is waited for, then both leave, the first planned", () => {
    const [first, second] = quicInitials({ serverName: "video.example.org", datagrams: 2 });
    if (first === undefined || second === undefined) throw new Error("expected two datagrams");
    const ends = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
    engine.reset();
    engine.loadRules(
      writeTable(L7.Quic, [
        { technique: Technique.Fake, foolings: Fooling.Ttl, ttl: 3, decoy: Decoy.Zeros, repeats: 2 },
      ]),
    );
    const lane = engine.lane(0, { mtuBytes: MTU_BYTES });
    const sent: Uint8Array[] = [];
    const answers = ["incomplete" as const, { name: "video.example.org" }];
    for (const payload of [first, second]) {
      lane.place(0, udpPacket({ ...ends, payload }));
      const answer = answers.shift() ?? "none";
      lane.work(1, 0, () => sent.push(...lane.sent()), { look: () => answer });
      if (answer === "incomplete") expect(sent).toEqual([]);
    }
    expect(sent).toHaveLength(4);
    expect(received(sent)).toEqual([first, second]);
  });

  test("two datagrams of one flow in fragments have numbers of their own", () => {
    fc.assert(
      fc.property(datagram, ({ kind, payload, ends }) => {
        const packet = udpPacket({ ...ends, payload });
        const sent = carry(kind, [{ technique: Technique.IpFrag, value: 8 }], [packet, packet]);
        expect(sent).toHaveLength(4);
        // Interleaved, as a network may deliver them.
        const order = [0, 2, 3, 1].flatMap((i) => sent[i] ?? []);
        expect(received(order)).toEqual([payload, payload]);
      }),
      { numRuns: RUNS },
    );
  });

  const syn = (v6: boolean, payload = new Uint8Array(0)): Uint8Array =>
    tcpPacket({
      source: v6 ? "2001:db8::7" : "192.0.2.7",
      destination: v6 ? "2001:db8:1::9" : "203.0.113.9",
      sourcePort: 40000,
      destinationPort: 443,
      seq: 0xffff_ffff,
      flags: "S",
      options: tcpOptions([
        { kind: "mss", bytes: 1460 },
        { kind: "windowScale", shift: 7 },
      ]),
      payload,
    });

  test("syndata: the SYN carries the octets, as many as fit; one that has some is left alone", () => {
    fc.assert(
      fc.property(fc.boolean(), fc.uint8Array({ minLength: 1, maxLength: 3000 }), (v6, text) => {
        const op: Op = { technique: Technique.SynData, decoy: Decoy.Payload, text };
        const [out, ...more] = carry(L7.Syn, [op], [syn(v6)]);
        expect(more).toEqual([]);
        const made = decodePacket(out ?? new Uint8Array(0));
        const plain = syn(v6);
        expect(made.seq).toBe(0xffff_ffff);
        expect(made.payload).toEqual(text.slice(0, MTU_BYTES - plain.length));
        const withData = syn(v6, Uint8Array.of(1, 2, 3));
        expect(carry(L7.Syn, [op], [withData])).toEqual([withData]);
      }),
      { numRuns: RUNS },
    );
  });

  test("window, mss and synack change what they say and nothing else of the SYN", () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.integer({ min: 1, max: 65535 }),
        fc.integer({ min: -1, max: 14 }),
        fc.integer({ min: 48, max: 65535 }),
        (v6, window, scale, mss) => {
          const ops: readonly Op[] = [
            { technique: Technique.Window, word: window, value: scale },
            { technique: Technique.Mss, word: mss },
            { technique: Technique.SynAck, foolings: Fooling.Ttl, ttl: 2 },
          ];
          const [decoy, real, ...more] = carry(L7.Syn, ops, [syn(v6)]);
          if (decoy === undefined || real === undefined) throw new Error("expected two packets");
          expect(more).toEqual([]);
          expect(decodePacket(decoy)).toMatchObject({ tcpFlags: 0x12, hopLimit: 2, seq: 0xffff_ffff });
          expect(decodePacket(real)).toMatchObject({ tcpFlags: 2, hopLimit: 64, seq: 0xffff_ffff });
          const options = tcpOptionsOf(real);
          expect(options).toContainEqual({ kind: "mss", bytes: mss });
          expect(options).toContainEqual({ kind: "windowScale", shift: scale < 0 ? 7 : scale });
          const at = decodePacket(real).l4Offset + 14;
          expect(((real[at] ?? 0) << 8) | (real[at + 1] ?? 0)).toBe(window);
          expect(verifyChecksums(real).transport).toBe(true);
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("drop: every packet of the kind goes nowhere, and is counted", () => {
    expect(carry(L7.Syn, [{ technique: Technique.Drop }], [syn(false), syn(true)])).toEqual([]);
    expect(engine.counters().dropped).toBe(2);
  });
});
