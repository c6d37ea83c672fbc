import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  REAL_DATAGRAM,
  REAL_DATAGRAM6,
  REAL_HELLO,
  REAL_PING,
  REAL_PING6,
  REAL_REQUEST,
  REAL_SYN,
} from "../test/real-packets.ts";
import { anyWholePacket } from "./arbitrary.ts";
import { internetChecksum, internetSum, updateChecksum, verifyChecksums } from "./checksum.ts";
import { decodePacket } from "./decode.ts";
import { ipPacket } from "./ip-packet.ts";
import { be16, concat, setBe16 } from "./octets.ts";
import { udpPacket } from "./transport.ts";

test("internetSum() gives the sum of the example in RFC 1071 section 3", () => {
  expect(internetSum(Uint8Array.fromHex("0001f203f4f5f6f7"))).toBe(0xddf2);
});

test("internetChecksum() takes an odd last octet as the high one", () => {
  expect(internetChecksum(Uint8Array.of(1, 2, 3))).toBe(internetChecksum(Uint8Array.of(1, 2, 3, 0)));
});

test("updateChecksum() gives the result of the example in RFC 1624 section 4", () => {
  expect(updateChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
});

test("updateChecksum() equals the full checksum", () => {
  const data = fc.uint8Array({ minLength: 4, maxLength: 64 });
  fc.assert(
    fc.property(data, fc.nat(31), fc.nat(0xffff), (octets, pick, word) => {
      const packet = Uint8Array.of(0x45, 0, ...octets, ...(octets.length % 2 === 0 ? [] : [0]));
      const at = 2 + (pick % (packet.length / 2 - 1)) * 2;
      const before = internetChecksum(packet);
      const old = be16(packet, at);
      setBe16(packet, at, word);
      expect(updateChecksum(before, old, word)).toBe(internetChecksum(packet));
    }),
  );
});

test.each([
  ["SYN", REAL_SYN],
  ["hello", REAL_HELLO],
  ["request", REAL_REQUEST],
  ["ping", REAL_PING],
  ["datagram", REAL_DATAGRAM],
])("verifyChecksums() accepts a real IPv4 packet (%s)", (_, packet) => {
  expect(verifyChecksums(packet)).toEqual({ ip: true, transport: true });
});

test.each([
  ["ping", REAL_PING6],
  ["datagram", REAL_DATAGRAM6],
])("verifyChecksums() accepts a real IPv6 packet (%s)", (_, packet) => {
  expect(verifyChecksums(packet)).toEqual({ ip: undefined, transport: true });
});

test("verifyChecksums() sees any one changed octet of address, transport and payload", () => {
  fc.assert(
    fc.property(fc.integer({ min: 12, max: REAL_REQUEST.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const packet = REAL_REQUEST.slice();
      packet[at] = (packet[at] ?? 0) ^ mask;
      // A data offset that points elsewhere may leave nothing to verify; where it can be read, the sum sees it.
      const { ip, transport } = verifyChecksums(packet);
      expect(transport).not.toBe(true);
      expect(ip).toBe(decodePacket(packet).family === 0 ? undefined : at >= 20);
    }),
  );
});

test("verifyChecksums() knows that UDP over IPv4 may go without, and over IPv6 not", () => {
  const ports = { sourcePort: 5000, destinationPort: 53, payload: Uint8Array.of(1), checksum: 0 };
  const over4 = udpPacket({ source: "192.0.2.7", destination: "203.0.113.9", ...ports });
  const over6 = udpPacket({ source: "2001:db8::7", destination: "2001:db8::9", ...ports });
  expect(verifyChecksums(over4)).toEqual({ ip: true, transport: undefined });
  expect(verifyChecksums(over6)).toEqual({ ip: undefined, transport: false });
});

test("verifyChecksums() sums a datagram to its own end, not to the packet's", () => {
  const ends = { source: "192.0.2.7", destination: "203.0.113.9" };
  const datagram = udpPacket({ ...ends, sourcePort: 5000, destinationPort: 53, payload: Uint8Array.of(1, 2) }).slice(
    20,
  );
  const trailed = ipPacket({ ...ends, protocol: 17, payload: concat(datagram, 9, 9) });
  expect(verifyChecksums(trailed)).toEqual({ ip: true, transport: true });
});

test("verifyChecksums() says nothing of malformed packets", () => {
  expect(verifyChecksums(new Uint8Array(40))).toEqual({ ip: undefined, transport: undefined });
});

test("every built packet verifies", () => {
  fc.assert(
    fc.property(anyWholePacket(), (packet) => {
      const { family, protocol } = decodePacket(packet);
      const known = [6, 17, family === 4 ? 1 : 58].includes(protocol);
      expect(verifyChecksums(packet)).toEqual({
        ip: family === 4 ? true : undefined,
        transport: known ? true : undefined,
      });
    }),
  );
});
