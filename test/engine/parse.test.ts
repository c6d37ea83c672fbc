// The engine reads packets exactly as the plain codec does.
import { beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Engine, EngineBuild, PacketMeta } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import {
  decodePacket,
  internetChecksum,
  readClientHello,
  readHttpRequest,
  splitRecords,
  updateChecksum,
} from "@bunnel/wire";
import { anyHello, anyHttpRequest, anyPacket, mutatedPacket } from "@bunnel/wire/arbitrary";
import { tcpPacket } from "@bunnel/wire";
import { BUILDS, engineOf } from "./rig.ts";

/** Every message is looked for and left alone. */
const LOOKS_AT_ALL = `[[rule]]
name = "tls"
strategy = "tls: pass"
[[rule]]
name = "http"
ports = ["1-65535"]
strategy = "http: pass"
`;

/** The fields of a record that the codec knows too. */
function parsed(meta: PacketMeta): Record<string, unknown> {
  const { family, protocol, l4Offset, payloadOffset, payloadBytes, totalBytes, sourcePort, destinationPort } = meta;
  const { fragmentOffset, fragment, moreFragments, seq, ack, tcpFlags } = meta;
  return {
    family,
    protocol,
    l4Offset,
    payloadOffset,
    payloadBytes,
    totalBytes,
    sourcePort,
    destinationPort,
    fragmentOffset,
    fragment,
    moreFragments,
    seq,
    ack,
    tcpFlags,
  };
}

function decoded(packet: Uint8Array): Record<string, unknown> {
  const { family, protocol, l4Offset, payloadOffset, payloadBytes, totalBytes, sourcePort, destinationPort, ...rest } =
    decodePacket(packet);
  const { fragmentOffset, fragment, moreFragments, seq, ack, tcpFlags } = rest;
  const fields = {
    family,
    protocol,
    l4Offset,
    payloadOffset,
    payloadBytes,
    totalBytes,
    sourcePort,
    destinationPort,
    fragmentOffset,
    fragment,
    moreFragments,
    seq,
    ack,
    tcpFlags,
  };
  if (family !== 0) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === "boolean" ? false : 0]),
  );
}

describe.each(BUILDS)("engine, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
    engine.loadRules(encodeRules(parseProfile(LOOKS_AT_ALL)));
  });

  const readOne = (packet: Uint8Array): PacketMeta => {
    const lane = engine.lane(0, { mtuBytes: 9000 });
    lane.place(0, packet);
    lane.poll(0, 1, 0);
    return lane.meta(0);
  };

  test("parse: equal to the codec on valid packets", () => {
    fc.assert(
      fc.property(anyPacket(), (packet) => {
        expect(parsed(readOne(packet))).toEqual(decoded(packet));
      }),
      { numRuns: 2000 },
    );
  });

  test("parse: equal to the codec on mutated packets", () => {
    fc.assert(
      fc.property(mutatedPacket(), (packet) => {
        expect(parsed(readOne(packet))).toEqual(decoded(packet));
      }),
      { numRuns: 5000 },
    );
  });

  test("parse: never reads past the packet", () => {
    const octets = new Uint8Array(engine.memory);
    fc.assert(
      fc.property(fc.oneof(anyPacket(), mutatedPacket()), (packet) => {
        // Flush with the memory's end: one octet too far traps.
        const at = octets.length - packet.length;
        octets.set(packet, at);
        const meta = engine.lane(0).scratch.at;
        expect(engine.exports.parse(at, packet.length, meta)).toBe(decodePacket(packet).family === 0 ? 0 : 1);
      }),
      { numRuns: 2000 },
    );
  });

  const tcpWith = (payload: Uint8Array): Uint8Array =>
    tcpPacket({
      source: "192.0.2.7",
      destination: "203.0.113.9",
      sourcePort: 40000,
      destinationPort: 443,
      flags: "PA",
      payload,
    });

  test("host name: the same as the codec finds in hellos, whole, in several records, cut short and mutated", () => {
    const spread = fc
      .tuple(anyHello(), fc.uniqueArray(fc.nat(600), { minLength: 1, maxLength: 4 }), fc.nat(700), fc.nat(255))
      .map(([{ octets: hello }, cuts, at, value]) => {
        const inside = cuts.map((cut) => cut + 6).filter((cut) => cut < hello.length);
        const records = splitRecords(
          hello,
          inside.toSorted((a, b) => a - b),
        );
        if (at % 3 === 0 && at > 5 && at < records.length) records[at] = value;
        return at % 5 === 0 ? records.slice(0, Math.max(6, at)) : records;
      });
    const cut = fc
      .tuple(anyHello(), fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), fc.nat(600), fc.nat(255))
      .map(([{ octets: hello }, part, flip, at, value]) => {
        const octets = hello.slice(0, Math.max(6, Math.ceil(hello.length * part)));
        if (flip && at > 5 && at < octets.length) octets[at] = value;
        return octets;
      });
    fc.assert(
      fc.property(
        fc.oneof(
          anyHello().map(({ octets }) => octets),
          cut,
          spread,
        ),
        (hello) => {
          const meta = readOne(tcpWith(hello));
          const read = readClientHello(hello);
          expect(meta.l7).toBe(read === undefined ? 0 : 1);
          expect(meta.hostBytes).toBe(read?.serverName === undefined ? 0 : read.nameBytes);
          if (read?.serverName !== undefined) expect(meta.hostOffset).toBe(read.nameOffset);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("host name: the same as the codec finds in HTTP requests, also mutated", () => {
    const mutated = fc.tuple(anyHttpRequest(), fc.nat(400), fc.nat(255)).map(([{ octets: request }, at, value]) => {
      const octets = request.slice();
      if (at < octets.length) octets[at] = value;
      return octets;
    });
    fc.assert(
      fc.property(
        fc.oneof(
          anyHttpRequest().map(({ octets }) => octets),
          mutated,
        ),
        (request) => {
          const meta = readOne(tcpWith(request));
          const read = readHttpRequest(request);
          expect(meta.l7).toBe(read === undefined ? 0 : 2);
          expect(meta.hostBytes).toBe(read?.hostBytes ?? 0);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("checksum: equal to the codec's, and the incremental form equal to the full one", () => {
    const at = engine.lane(0).scratch.at;
    const view = new DataView(engine.memory);
    const octets = new Uint8Array(engine.memory);
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 4, maxLength: 1600 }),
        fc.nat(0xffff),
        fc.nat(700),
        (data, word, where) => {
          octets.set(data, at);
          const full = (): number => engine.exports.checksum(at, data.length);
          const swapped = (sum: number): number => ((sum & 0xff) << 8) | (sum >> 8);
          const before = full();
          expect(swapped(before)).toBe(internetChecksum(data));
          const o = at + (where % (data.length >> 1)) * 2;
          const old = view.getUint16(o, true);
          view.setUint16(o, word, true);
          const after = full();
          const incremental = engine.exports.updateChecksum(before, old, word);
          // 0 and 0xffff are the same sum; only data of nothing but zeros tells them apart (RFC 1624 section 3).
          expect(incremental % 0xffff).toBe(after % 0xffff);
          expect(updateChecksum(swapped(before), swapped(old), swapped(word)) % 0xffff).toBe(swapped(after) % 0xffff);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
