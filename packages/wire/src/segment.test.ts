import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { anyTcpFields, anyUdpFields, anyWholePacket } from "./arbitrary.ts";
import { internetSum, pseudoHeaderSum, verifyChecksums } from "./checksum.ts";
import { decodePacket } from "./decode.ts";
import { addressesOf } from "./ip-packet.ts";
import { be16, concat, setBe16 } from "./octets.ts";
import { segmentSuperPacket } from "./segment.ts";
import { superDatagram, superPacket } from "./super-packet.ts";
import { tcpPacket, udpPacket } from "./transport.ts";
import { GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, readVirtioNetHeader, virtioNetHeader } from "./virtio.ts";

const OVER4 = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const OVER6 = { source: "2001:db8::7", destination: "2001:db8::9", sourcePort: 40000, destinationPort: 443 };
const PAYLOAD = Uint8Array.from({ length: 3000 }, (_, index) => index & 0xff);

test("superPacket() describes itself as a kernel does", () => {
  const { header, packet } = superPacket({ ...OVER4, payload: PAYLOAD }, 1448);
  const expected = {
    flags: 1,
    gsoType: GSO_TCPV4,
    headerBytes: 40,
    gsoBytes: 1448,
    checksumStart: 20,
    checksumOffset: 16,
  };
  expect(readVirtioNetHeader(header)).toEqual(expected);
  const { source, destination } = addressesOf(OVER4);
  expect(be16(packet, 36)).toBe(pseudoHeaderSum(source, destination, 6, 3020));
  expect(readVirtioNetHeader(superPacket({ ...OVER6, payload: PAYLOAD }, 1428).header).gsoType).toBe(GSO_TCPV6);
  expect(readVirtioNetHeader(superPacket({ ...OVER6, flags: "CA" }, 1428).header).gsoType).toBe(GSO_TCPV6 | 0x80);
  const datagram = readVirtioNetHeader(superDatagram({ ...OVER6, payload: PAYLOAD }, 1000).header);
  expect(datagram).toMatchObject({ gsoType: GSO_UDP_L4, headerBytes: 48, checksumStart: 40, checksumOffset: 6 });
});

test("segmentSuperPacket() counts, flags and sums as a kernel does", () => {
  const seq = 0xffffff00;
  const { header, packet } = superPacket({ ...OVER4, flags: "FPAC", seq, id: 65535, payload: PAYLOAD }, 1000);
  const segments = segmentSuperPacket(header, packet);
  const read = segments.map((octets) => decodePacket(octets));
  expect(read.map(({ id }) => id)).toEqual([65535, 0, 1]);
  expect(read.map((segment) => segment.seq)).toEqual([seq, 744, 1744]);
  expect(read.map(({ tcpFlags }) => tcpFlags)).toEqual([0x90, 0x10, 0x19]);
  expect(read.map(({ totalBytes }) => totalBytes)).toEqual([1040, 1040, 1040]);
});

test("segments of a TCP super-packet are the packets of its slices", () => {
  fc.assert(
    fc.property(anyTcpFields(), fc.integer({ min: 1, max: 700 }), (fields, gsoBytes) => {
      const { header, packet } = superPacket(fields, gsoBytes);
      const payload = fields.payload ?? new Uint8Array(0);
      const { seq, id, tcpFlags } = decodePacket(packet);
      const count = Math.max(1, Math.ceil(payload.length / gsoBytes));
      const expected = Array.from({ length: count }, (_, index) => {
        const last = index === count - 1 ? 0xff : 0xff & ~0x09;
        const first = index === 0 ? 0xff : 0xff & ~0x80;
        return tcpPacket({
          ...fields,
          id: (id + index) % 65536,
          seq: (seq + index * gsoBytes) % 2 ** 32,
          ack: decodePacket(packet).ack,
          flags: tcpFlags & last & first,
          payload: payload.slice(index * gsoBytes, (index + 1) * gsoBytes),
        }).toHex();
      });
      expect(segmentSuperPacket(header, packet).map((octets) => octets.toHex())).toEqual(expected);
    }),
  );
});

test("segments of a UDP super-packet carry its payload, each with right sums", () => {
  fc.assert(
    fc.property(anyUdpFields(), fc.integer({ min: 1, max: 700 }), (fields, gsoBytes) => {
      const { header, packet } = superDatagram(fields, gsoBytes);
      const segments = segmentSuperPacket(header, packet);
      const { family } = decodePacket(packet);
      for (const segment of segments) {
        expect(verifyChecksums(segment)).toEqual({ ip: family === 4 ? true : undefined, transport: true });
      }
      const joined = concat(...segments.map((segment) => decodePacket(segment).payload));
      expect(joined.toHex()).toBe((fields.payload ?? new Uint8Array(0)).toHex());
    }),
  );
});

describe("segmentSuperPacket() without a segment size", () => {
  test("gives an ordinary packet back", () => {
    const packet = tcpPacket({ ...OVER4, checksum: 1 });
    expect(segmentSuperPacket(virtioNetHeader(), packet)).toEqual([packet]);
  });

  test("finishes a partial checksum", () => {
    fc.assert(
      fc.property(anyTcpFields(), (fields) => {
        const { header, packet } = superPacket(fields, 1);
        const { checksumStart, checksumOffset } = readVirtioNetHeader(header);
        const plain = virtioNetHeader({ flags: 1, checksumStart, checksumOffset });
        expect(segmentSuperPacket(plain, packet)[0]?.toHex()).toBe(tcpPacket(fields).toHex());
      }),
    );
  });

  test("writes a UDP checksum of zero as all ones", () => {
    // The two octets of payload are chosen so that the sum comes out as all ones.
    const { packet } = superDatagram({ ...OVER4, payload: new Uint8Array(2) }, 1);
    const rest = internetSum(packet.subarray(20));
    setBe16(packet, 28, rest ^ 0xffff);
    const plain = virtioNetHeader({ flags: 1, checksumStart: 20, checksumOffset: 6 });
    const [finished] = segmentSuperPacket(plain, packet);
    expect(finished && be16(finished, 26)).toBe(0xffff);
    expect(finished).toEqual(udpPacket({ ...OVER4, payload: packet.slice(28) }));
  });

  test("refuses a checksum outside of the packet", () => {
    const plain = virtioNetHeader({ flags: 1, checksumStart: 30, checksumOffset: 16 });
    expect(() => segmentSuperPacket(plain, tcpPacket(OVER4).slice(0, 47))).toThrow("found it at 46");
  });
});

describe("segmentSuperPacket() refuses a header that contradicts the packet:", () => {
  const { header, packet } = superPacket({ ...OVER4, payload: PAYLOAD }, 1448);
  const fields = readVirtioNetHeader(header);
  test.each<[string, Uint8Array, Uint8Array]>([
    ["another version", virtioNetHeader({ ...fields, gsoType: GSO_TCPV6 }), packet],
    ["another protocol", virtioNetHeader({ ...fields, gsoType: GSO_UDP_L4 }), packet],
    ["an unknown type", virtioNetHeader({ ...fields, gsoType: 3 }), packet],
    ["segments of no octets", virtioNetHeader({ ...fields, gsoBytes: 0 }), packet],
    ["a checksum that starts elsewhere", virtioNetHeader({ ...fields, checksumStart: 21 }), packet],
    ["a checksum that lies elsewhere", virtioNetHeader({ ...fields, checksumOffset: 6 }), packet],
    ["a packet that ends early", header, packet.slice(0, -1)],
    ["octets behind the packet", header, concat(packet, 0)],
    ["a fragment", header, tcpPacket({ ...OVER4, moreFragments: true, payload: PAYLOAD })],
  ])("%s", (_, vnet, octets) => {
    expect(() => segmentSuperPacket(vnet, octets)).toThrow("packet must fit its virtio header");
  });
});

test("segmentSuperPacket() of any packet and header ends, or refuses", () => {
  const word = fc.nat(0xffff);
  const small = fc.nat(64);
  const offload = fc.record({
    flags: fc.nat(3),
    gsoType: fc.constantFrom(0, 1, 3, 4, 5, 0x81),
    headerBytes: word,
    gsoBytes: fc.oneof(small, word),
    checksumStart: fc.oneof(fc.constantFrom(20, 40), word),
    checksumOffset: fc.oneof(fc.constantFrom(6, 16), word),
  });
  fc.assert(
    fc.property(offload, anyWholePacket(), (fields, packet) => {
      let segments: Uint8Array[] = [];
      try {
        segments = segmentSuperPacket(virtioNetHeader(fields), packet);
      } catch (error) {
        expect(error).toMatchObject({ code: "E_WIRE_OFFLOAD" });
        return;
      }
      expect(segments.length).toBeGreaterThan(0);
      const payloads = segments.map((segment) => decodePacket(segment).payload);
      if (fields.gsoType !== 0) expect(concat(...payloads).toHex()).toBe(decodePacket(packet).payload.toHex());
    }),
  );
});
