// Flows that are translated to a listener of this machine: there and back is the identity, and checksums stay right.
import { beforeAll, describe, expect, test } from "bun:test";
import { Reason } from "@bunnel/abi";
import type { Engine } from "@bunnel/engine";
import { decodePacket, superPacket, tcpOptions, tcpPacket, udpPacket, verifyChecksums } from "@bunnel/wire";
import fc from "fast-check";
import { BUILDS, engineOf } from "./rig.ts";
import {
  answerTo,
  anyPair,
  connect,
  ends,
  LISTENER_PORT,
  LOCAL,
  only,
  outwards,
  right,
  SETUP,
  through,
  translating,
} from "./translation-rig.ts";

const RUNS = 200;

const anySegment = fc.record({
  seq: fc.nat(0xffffffff),
  ack: fc.nat(0xffffffff),
  flags: fc.constantFrom("A", "PA", "FA", "A"),
  payload: fc.uint8Array({ maxLength: 1400 }),
  options: fc.constantFrom(undefined, tcpOptions([{ kind: "timestamps", value: 7, echo: 9 }])),
});

describe.each(BUILDS)("translations, %s build", (build) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  test("a SYN goes to the listener from a peer of the link, and the listener's answer to the client", () => {
    const { lane, translations } = translating(engine);
    const pair = { v6: false, client: 7, server: 9, port: 40000 };
    const syn = connect(lane, pair);
    expect(ends(syn)).toBe(`10.0.85.2 1024 > 10.0.85.1 ${LISTENER_PORT}`);
    const answer = only(through(lane, tcpPacket(answerTo(syn, { flags: "SA" }))).sent);
    expect(ends(answer)).toBe("203.0.113.9 443 > 192.0.2.7 40000");
    expect(translations.destinationOf({ address: "10.0.85.2", port: 1024 })).toEqual({
      address: "203.0.113.9",
      port: 443,
    });
    expect(translations.clientOf({ address: "10.0.85.2", port: 1024 })).toEqual({ address: "192.0.2.7", port: 40000 });
    expect(translations.count).toBe(1);
  });

  test("there and back is the identity for every octet but the ends, and checksums are right", () => {
    const { lane } = translating(engine);
    fc.assert(
      fc.property(anyPair, anySegment, anySegment, (pair, out, back) => {
        const from = outwards(pair);
        connect(lane, pair);
        const original = tcpPacket({ ...from, ...out, options: out.options ?? new Uint8Array(0) });
        const translated = only(through(lane, original).sent);
        right(translated);
        expect(decodePacket(translated)).toMatchObject({
          destination: LOCAL[pair.v6 ? 6 : 4],
          destinationPort: LISTENER_PORT,
        });
        // The same packet with the ends that it had is what was sent.
        const { source, sourcePort } = decodePacket(translated);
        expect(translated).toEqual(
          tcpPacket({
            ...out,
            options: out.options ?? new Uint8Array(0),
            source,
            sourcePort,
            destination: LOCAL[pair.v6 ? 6 : 4],
            destinationPort: LISTENER_PORT,
          }),
        );
        const answer = tcpPacket(answerTo(translated, { ...back, options: back.options ?? new Uint8Array(0) }));
        const seen = only(through(lane, answer).sent);
        right(seen);
        expect(seen).toEqual(
          tcpPacket({
            ...back,
            options: back.options ?? new Uint8Array(0),
            source: from.destination,
            destination: from.source,
            sourcePort: 443,
            destinationPort: from.sourcePort,
          }),
        );
      }),
      { numRuns: RUNS },
    );
  });

  test("a damaged checksum stays damaged", () => {
    const { lane } = translating(engine);
    const pair = { v6: false, client: 7, server: 9, port: 40000 };
    connect(lane, pair);
    const packet = tcpPacket({ ...outwards(pair), payload: Uint8Array.of(1, 2, 3), checksum: 0x1234 });
    expect(verifyChecksums(only(through(lane, packet).sent)).transport).toBe(false);
  });

  test("a super-packet leaves whole, its partial checksum finished", () => {
    const { lane } = translating(engine, SETUP, { rxVnet: true });
    fc.assert(
      fc.property(anyPair, fc.integer({ min: 1, max: 60000 }), (pair, bytes) => {
        through(lane, tcpPacket({ ...outwards(pair), flags: "S" }), 0, new Uint8Array(10));
        const payload = new Uint8Array(bytes).map((_, i) => i * 31);
        const { packet, header } = superPacket({ ...outwards(pair), payload }, 1448);
        const sent = only(through(lane, packet, 0, header).sent);
        expect(sent.length).toBe(packet.length);
        right(sent);
        expect(decodePacket(sent).payload).toEqual(payload);
      }),
      { numRuns: 30 },
    );
  });

  test("a super-packet keeps its partial checksum for a way out that takes it", () => {
    const { lane } = translating(engine, SETUP, { rxVnet: true, txVnet: true });
    const pair = { v6: true, client: 7, server: 9, port: 40000 };
    through(lane, tcpPacket({ ...outwards(pair), flags: "S" }), 0, new Uint8Array(10));
    const { packet, header } = superPacket({ ...outwards(pair), payload: new Uint8Array(9000) }, 1428);
    const sent = only(through(lane, packet, 0, header).sent);
    const { source, sourcePort } = decodePacket(sent);
    const local = { source, sourcePort, destination: LOCAL[6], destinationPort: LISTENER_PORT };
    expect(sent).toEqual(superPacket({ ...local, payload: new Uint8Array(9000) }, 1428).packet);
  });

  test("what no rule wants as a stream, and what began before, goes as it came", () => {
    const { lane, translations } = translating(engine);
    const from = outwards({ v6: false, client: 7, server: 9, port: 40000 });
    for (const packet of [
      tcpPacket({ ...from, flags: "S", destinationPort: 80 }),
      tcpPacket({ ...from, flags: "S", destination: "203.0.113.129" }),
      tcpPacket({ ...from, flags: "PA", payload: Uint8Array.of(1, 2, 3) }),
      udpPacket({ ...from, payload: Uint8Array.of(1) }),
    ]) {
      expect(only(through(lane, packet).sent)).toEqual(packet);
    }
    expect(translations.count).toBe(0);
  });

  test("what goes to the link without being an answer, or comes from its address, is dropped", () => {
    const { lane } = translating(engine);
    const syn = connect(lane, { v6: false, client: 7, server: 9, port: 40000 });
    const answer = answerTo(syn, { flags: "A" });
    for (const packet of [
      tcpPacket({ ...answer, destinationPort: 1025 }),
      tcpPacket({ ...answer, sourcePort: 22 }),
      tcpPacket({ ...answer, source: "192.0.2.7" }),
      tcpPacket({ ...answer, destination: "10.0.85.77" }),
      tcpPacket({ ...answer, destination: "203.0.113.9" }),
      udpPacket({ ...answer, payload: Uint8Array.of(1) }),
    ]) {
      const { sent, reason } = through(lane, packet);
      expect([sent.length, reason]).toEqual([0, Reason.DropNoTranslation]);
    }
  });

  test("clients may have the device's own addresses where that is said; the link stays what it is", () => {
    const { lane } = translating(engine, { ...SETUP, ownClients: true });
    for (const [source, destination] of [
      [LOCAL[4], "203.0.113.9"],
      [LOCAL[6], "2001:db8::9"],
    ] as const) {
      const syn = tcpPacket({ source, destination, sourcePort: 40000, destinationPort: 443, seq: 7, flags: "S" });
      const translated = only(through(lane, syn).sent);
      expect(ends(translated)).toEndWith(`> ${source} ${LISTENER_PORT}`);
      const back = answerTo(translated, { flags: "SA", seq: 9, ack: 8 });
      const expected = ends(tcpPacket({ ...answerTo(syn), flags: "SA", seq: 9, ack: 8 }));
      expect(ends(only(through(lane, tcpPacket(back)).sent))).toBe(expected);
      const stray = through(lane, tcpPacket({ ...back, destinationPort: 1099 }));
      expect([stray.sent.length, stray.reason]).toEqual([0, Reason.DropNoTranslation]);
    }
  });
});
