// ICMP errors about translated flows: whoever gets one reads of the flow that it knows.
import { beforeAll, describe, expect, test } from "bun:test";
import { Reason } from "@bunnel/abi";
import type { Engine } from "@bunnel/engine";
import { decodePacket, icmpEcho, internetChecksum, parseAddress, pseudoHeaderSum, tcpPacket } from "@bunnel/wire";
import fc from "fast-check";
import { BUILDS, engineOf } from "./rig.ts";
import { answerTo, anyPair, connect, only, outwards, right, SETUP, through, translating } from "./translation-rig.ts";

/** Unreachable, time exceeded, parameter problem; of IPv6 packet too big as well. */
const ERRORS = { 4: [3, 11, 12], 6: [1, 2, 3, 4] } as const;

/** Octets quoted behind the eight that must be. With nine, half a checksum is quoted, and nobody can change that. */
const anyMore = fc.integer({ min: 0, max: 60 }).filter((more) => more !== 9);

/** An error about `quoted`, of which the first octets are quoted. */
function icmpError(source: string, destination: string, quoted: Uint8Array, bytes: number, type: number): Uint8Array {
  // An echo has its octets where an error has them: eight, then what it is about.
  const packet = icmpEcho({ source, destination, payload: quoted.slice(0, bytes) });
  const l4 = decodePacket(packet).l4Offset;
  packet[l4] = type;
  packet.fill(0, l4 + 1, l4 + 8);
  const message = packet.subarray(l4);
  const isIpv6 = source.includes(":");
  const sum = isIpv6 ? checksum6(source, destination, message) : internetChecksum(message);
  packet[l4 + 2] = sum >> 8;
  packet[l4 + 3] = sum & 0xff;
  return packet;
}

function checksum6(source: string, destination: string, message: Uint8Array): number {
  const sum =
    (~internetChecksum(message) & 0xffff) +
    pseudoHeaderSum(parseAddress(source), parseAddress(destination), 58, message.length);
  return ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
}

describe.each(BUILDS)("ICMP errors about translated flows, %s build", (build) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  test("the listener's complaint reaches the client about the packet that it sent", () => {
    const { lane } = translating(engine);
    fc.assert(
      fc.property(anyPair, anyMore, fc.nat(3), (pair, more, kind) => {
        const from = outwards(pair);
        connect(lane, pair);
        const sent = tcpPacket({ ...from, payload: new Uint8Array(40) });
        const translated = only(through(lane, sent).sent);
        const { source, destination, l4Offset } = decodePacket(translated);
        const types = ERRORS[pair.v6 ? 6 : 4];
        const type = types[kind % types.length] ?? 3;
        const error = icmpError(destination, source, translated, l4Offset + 8 + more, type);
        const seen = only(through(lane, error).sent);
        right(seen);
        expect(seen).toEqual(icmpError(from.destination, from.source, sent, l4Offset + 8 + more, type));
      }),
    );
  });

  test("the client's complaint reaches the listener about the packet that it sent", () => {
    const { lane } = translating(engine);
    fc.assert(
      fc.property(anyPair, anyMore, (pair, more) => {
        const from = outwards(pair);
        const syn = connect(lane, pair);
        const answer = tcpPacket({ ...answerTo(syn), payload: new Uint8Array(40) });
        const translated = only(through(lane, answer).sent);
        const { l4Offset } = decodePacket(answer);
        const { source, destination } = decodePacket(answer);
        const type = pair.v6 ? 1 : 3;
        const error = icmpError(from.source, from.destination, translated, l4Offset + 8 + more, type);
        const seen = only(through(lane, error).sent);
        right(seen);
        expect(seen).toEqual(icmpError(destination, source, answer, l4Offset + 8 + more, type));
      }),
    );
  });

  test("errors about other flows, echoes and what is too short go as they came; to the link they are dropped", () => {
    const { lane } = translating(engine, { ...SETUP });
    const pair = { v6: false, client: 7, server: 9, port: 40000 };
    connect(lane, pair);
    const other = tcpPacket(outwards({ ...pair, port: 40001 }));
    const known = tcpPacket(answerTo(tcpPacket(outwards(pair))));
    for (const packet of [
      icmpError("192.0.2.7", "203.0.113.9", other, 48, 3),
      icmpError("192.0.2.7", "203.0.113.9", known, 24, 3),
      icmpEcho({ source: "192.0.2.7", destination: "203.0.113.9", payload: known }),
    ]) {
      expect(only(through(lane, packet).sent)).toEqual(packet);
    }
    const { sent, reason } = through(lane, icmpEcho({ source: "10.0.85.1", destination: "10.0.85.2" }));
    expect([sent.length, reason]).toEqual([0, Reason.DropNoTranslation]);
  });
});
