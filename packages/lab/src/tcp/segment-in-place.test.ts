// The fast readers and writers of this package against the slow and obvious ones of @bunnel/wire.
import { describe, expect, test } from "bun:test";
import { decodePacket, fragmentsOf, tcpOptions, tcpOptionsOf, tcpPacket, verifyChecksums } from "@bunnel/wire";
import { ipChecksumHolds } from "../ip/checksum.ts";
import { SeededRandom } from "../link/random.ts";
import { fromClient, fromServer, HTTP, stamp, syn, synAck, TLS } from "../sample-traffic.ts";
import { isSigned, readSegment, timestampOf } from "./segment.ts";
import { SegmentWriter, synOptions, timestampOption } from "./segment-writer.ts";

const PACKETS = ([4, 6] as const).flatMap((family) => [
  syn({ family }),
  synAck({ family }),
  fromClient(0, TLS.bad, { family }),
  fromClient(0, HTTP.bad.subarray(0, 33), { family, options: stamp(7, 8) }),
  fromClient(0, TLS.bad, { family, options: timestampOption(9, 10) }),
  fromClient(0, TLS.bad, { family, options: tcpOptions([{ kind: "md5", digest: new Uint8Array(16) }]) }),
  fromClient(0, TLS.bad, { family, checksum: 0x1234 }),
  ...fragmentsOf(fromClient(0, TLS.bad, { family, dontFragment: false }), [64]),
]);

/** The packets with some octets changed and some cut off: most are no packets any more. */
function spoilt(): readonly Uint8Array[] {
  const random = new SeededRandom(9);
  return Array.from({ length: 4000 }, () => {
    const packet = (PACKETS[random.next() % PACKETS.length] ?? new Uint8Array(0)).slice();
    for (let flips = random.next() % 4; flips > 0; flips -= 1) packet[random.next() % 70] = random.next() & 0xff;
    return random.chance(0.2) ? packet.subarray(0, random.next() % (packet.length + 1)) : packet;
  });
}

describe("readSegment()", () => {
  test("reads what decodePacket() reads, and refuses what it refuses", () => {
    let read = 0;
    for (const packet of [...PACKETS, ...spoilt()]) {
      const segment = readSegment(packet);
      const slow = decodePacket(packet);
      const isTcp = slow.family !== 0 && !slow.fragment && slow.protocol === 6;
      expect(segment !== undefined).toBe(isTcp);
      if (segment === undefined) continue;
      read += 1;
      const { family, source, destination, sourcePort, destinationPort, hopLimit, seq, ack } = segment;
      expect({ family, source, destination, sourcePort, destinationPort, hopLimit, seq, ack }).toEqual({
        family: slow.family === 4 ? 4 : 6,
        source: slow.source,
        destination: slow.destination,
        sourcePort: slow.sourcePort,
        destinationPort: slow.destinationPort,
        hopLimit: slow.hopLimit,
        seq: slow.seq,
        ack: slow.ack,
      });
      expect([segment.flags, segment.payloadBytes]).toEqual([slow.tcpFlags, slow.payloadBytes]);
      expect(Buffer.from(segment.payload).equals(slow.payload)).toBe(true);
      expect(segment.options).toEqual(tcpOptionsOf(packet));
      const { ip, transport } = verifyChecksums(packet);
      expect([ipChecksumHolds(packet), segment.checksumHolds]).toEqual([ip !== false, transport === true]);
    }
    expect(read).toBeGreaterThan(1000);
  });

  test("finds time stamps wherever they stand, and the MD5 option", () => {
    const stampOf = (options: Uint8Array) => {
      const segment = readSegment(fromClient(0, TLS.bad, { options }));
      return segment === undefined ? undefined : timestampOf(segment);
    };
    expect(stampOf(timestampOption(77, 1))).toBe(77);
    expect(stampOf(stamp(78))).toBe(78);
    expect(stampOf(synOptions(1460, timestampOption(79, 0)))).toBe(79);
    expect(stampOf(tcpOptions([{ kind: "sackPermitted" }, { kind: "nop" }]))).toBeUndefined();
    const signed = readSegment(
      fromClient(0, TLS.bad, { options: tcpOptions([{ kind: "md5", digest: new Uint8Array(16) }]) }),
    );
    expect(signed !== undefined && isSigned(signed)).toBe(true);
  });

  test("gives both directions of a connection the same key, and no other connection that key", () => {
    for (const family of [4, 6] as const) {
      const out = readSegment(fromClient(0, TLS.bad, { family }));
      const back = readSegment(fromServer(0, 0, { family }));
      const other = readSegment(fromClient(0, TLS.bad, { family, sourcePort: 40001 }));
      expect(back?.reverseKey).toBe(out?.key ?? "");
      expect(out?.reverseKey).toBe(back?.key ?? "");
      expect(other?.key).not.toBe(out?.key ?? "");
    }
  });
});

describe("SegmentWriter.write()", () => {
  test.each([
    ["192.0.2.7", "203.0.113.9"],
    ["2001:db8:1::7", "2001:db8:2::9"],
  ])("writes what tcpPacket() writes: %s", (source, destination) => {
    const ends = { source, destination, sourcePort: 40000, destinationPort: 443 };
    const writer = new SegmentWriter(ends);
    const fields = { seq: 0xfffffff0, ack: 77, window: 500, id: 9 };
    for (const payload of [new Uint8Array(0), TLS.bad, TLS.bad.subarray(0, 77)]) {
      for (const options of [new Uint8Array(0), timestampOption(1, 2), synOptions(1460, timestampOption(3, 0))]) {
        const expected = tcpPacket({ ...ends, ...fields, flags: "PA", payload, options });
        expect(writer.write({ ...fields, flags: 0x18, payload, options })).toEqual(expected);
      }
    }
    const loose = tcpPacket({ ...ends, ...fields, flags: "R", dontFragment: false });
    expect(writer.write({ ...fields, flags: 4, dontFragment: false })).toEqual(loose);
  });
});
