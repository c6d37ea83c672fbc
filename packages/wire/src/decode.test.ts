import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { REAL_DATAGRAM6, REAL_HELLO, REAL_PING, REAL_SYN } from "../test/real-packets.ts";
import { mutatedPacket } from "./arbitrary.ts";
import { decodePacket } from "./decode.ts";
import { fragmentHeader, ipPacket } from "./ip-packet.ts";
import { setBe16 } from "./octets.ts";
import { tcpPacket, udpPacket } from "./transport.ts";

const OVER4 = { source: "192.0.2.7", destination: "203.0.113.9" };
const OVER6 = { source: "2001:db8::7", destination: "2001:db8::9" };
const PORTS = { sourcePort: 40000, destinationPort: 443 };
const EIGHT = new Uint8Array(8);

/** The packet with one octet changed. */
function changed(packet: Uint8Array, at: number, octet: number): Uint8Array {
  const copy = packet.slice();
  copy[at] = octet;
  return copy;
}

test("decodePacket() reads a real SYN", () => {
  expect(decodePacket(REAL_SYN)).toEqual({
    family: 4,
    protocol: 6,
    source: "192.0.2.7",
    destination: "192.0.2.9",
    hopLimit: 64,
    id: 0x25b4,
    l4Offset: 20,
    payloadOffset: 60,
    payloadBytes: 0,
    totalBytes: 60,
    sourcePort: 46534,
    destinationPort: 443,
    fragment: false,
    fragmentOffset: 0,
    moreFragments: false,
    seq: 1416493275,
    ack: 0,
    tcpFlags: 2,
    payload: new Uint8Array(0),
  });
});

test("decodePacket() reads a real datagram over IPv6", () => {
  const expected = { family: 6, protocol: 17, source: "2001:db8::7", destination: "2001:db8::9", id: 0, hopLimit: 64 };
  const ports = { sourcePort: 37265, destinationPort: 5000, payloadOffset: 48, payloadBytes: 6, totalBytes: 54 };
  expect(decodePacket(REAL_DATAGRAM6)).toMatchObject({
    ...expected,
    ...ports,
    payload: new TextEncoder().encode("octets"),
  });
});

test("decodePacket() reads a real ping", () => {
  expect(decodePacket(REAL_PING)).toMatchObject({
    protocol: 1,
    l4Offset: 20,
    payloadOffset: 28,
    payloadBytes: 24,
    sourcePort: 0,
  });
});

test("decodePacket() does not look behind the packet's own length", () => {
  const trailed = new Uint8Array(REAL_HELLO.length + 10).fill(0xff);
  trailed.set(REAL_HELLO);
  expect(decodePacket(trailed)).toEqual(decodePacket(REAL_HELLO));
});

test("decodePacket() gives a copy of the payload", () => {
  const packet = REAL_HELLO.slice();
  const { payload } = decodePacket(packet);
  packet.fill(0);
  expect(payload[0]).toBe(22);
});

describe("decodePacket() calls malformed", () => {
  const udp4 = udpPacket({ ...OVER4, ...PORTS, payload: EIGHT });
  const udp6 = udpPacket({ ...OVER6, ...PORTS, payload: EIGHT });
  const tcp4 = tcpPacket({ ...OVER4, ...PORTS });
  // Protocol 59 has nothing to fit: only the rule named can refuse these.
  const nothing = ipPacket({ ...OVER6, protocol: 59, payload: EIGHT });
  const hop = ipPacket({ ...OVER6, protocol: 59, payload: EIGHT, extensionHeaders: [{ protocol: 0, data: EIGHT }] });
  const jumbo = new Uint8Array(65576);
  jumbo.set(nothing.slice(0, 40));
  setBe16(jumbo, 4, 65535);
  test.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array(0)],
    ["19 octets", udp4.slice(0, 19)],
    ["another version", changed(udp4, 0, 0x55)],
    ["an IPv4 header below 20 octets", changed(udp4, 0, 0x44)],
    ["an IPv4 header above the total length", changed(changed(udp4, 0, 0x4f), 3, 59)],
    ["a total length above the octets there are", udp4.slice(0, -1)],
    ["39 octets of IPv6", udp6.slice(0, 39)],
    ["an IPv6 payload above the octets there are", udp6.slice(0, -1)],
    ["an IPv6 packet above 65535 octets", jumbo],
    ["an extension header that does not fit", changed(hop, 41, 3)],
    ["an extension header that is not there", changed(changed(nothing, 6, 60), 5, 7)],
    ["a TCP header that does not fit", changed(tcp4, 3, 39)],
    ["a TCP data offset below 5", changed(tcp4, 32, 0x40)],
    ["a TCP data offset above the segment", changed(tcp4, 32, 0x60)],
    ["a UDP header that does not fit", changed(udp4, 3, 27)],
    ["a UDP length below 8", changed(udp4, 25, 7)],
    ["a UDP length above the packet", changed(udp4, 25, 17)],
    ["an ICMP header that does not fit", changed(REAL_PING, 3, 27)],
  ])("%s", (_, packet) => {
    const decoded = decodePacket(packet);
    expect(decoded).toEqual({ ...decodePacket(new Uint8Array(0)) });
    expect(decoded.family).toBe(0);
  });
});

describe("decodePacket() reads", () => {
  test("a UDP length that ends before the packet does", () => {
    expect(decodePacket(changed(udpPacket({ ...OVER4, ...PORTS, payload: EIGHT }), 25, 10)).payloadBytes).toBe(2);
  });

  test("ICMP in IPv6 and ICMPv6 in IPv4 as opaque", () => {
    const in6 = decodePacket(ipPacket({ ...OVER6, protocol: 1, payload: EIGHT }));
    const in4 = decodePacket(ipPacket({ ...OVER4, protocol: 58, payload: EIGHT }));
    expect([in6.payloadOffset, in6.payloadBytes, in4.payloadOffset, in4.payloadBytes]).toEqual([40, 8, 20, 8]);
  });

  test("eight extension headers, and takes a ninth for the protocol", () => {
    const header = { protocol: 60, data: new Uint8Array(6) };
    const eight = udpPacket({ ...OVER6, ...PORTS, extensionHeaders: Array.from({ length: 8 }, () => header) });
    const nine = udpPacket({ ...OVER6, ...PORTS, extensionHeaders: Array.from({ length: 9 }, () => header) });
    expect(decodePacket(eight)).toMatchObject({ protocol: 17, l4Offset: 104, sourcePort: 40000 });
    expect(decodePacket(nine)).toMatchObject({
      protocol: 60,
      l4Offset: 104,
      payloadOffset: 104,
      payloadBytes: 16,
      sourcePort: 0,
    });
  });

  test("an authentication header, which counts in fours", () => {
    const authentication = { protocol: 51, data: new Uint8Array(10) };
    const packet = udpPacket({ ...OVER6, ...PORTS, extensionHeaders: [authentication] });
    expect(decodePacket(changed(packet, 41, 2))).toMatchObject({ protocol: 17, l4Offset: 56 });
  });

  test("an atomic fragment as a fragment whose UDP length is not looked at", () => {
    const packet = udpPacket({ ...OVER6, ...PORTS, payload: EIGHT, extensionHeaders: [fragmentHeader(0, false, 7)] });
    const odd = changed(packet, 53, 255);
    expect(decodePacket(odd)).toMatchObject({
      fragment: true,
      moreFragments: false,
      payloadOffset: 56,
      payloadBytes: 8,
    });
  });

  test("an atomic fragment with half a header as opaque", () => {
    const packet = ipPacket({
      ...OVER6,
      protocol: 17,
      payload: EIGHT,
      extensionHeaders: [fragmentHeader(0, false, 7)],
    });
    const cut = changed(packet, 5, 15);
    expect(decodePacket(cut)).toMatchObject({
      family: 6,
      fragment: true,
      l4Offset: 48,
      payloadOffset: 48,
      payloadBytes: 7,
    });
  });

  test("a later fragment without transport", () => {
    const later = { protocol: 6, payload: EIGHT, fragmentOffset: 185 };
    const common = {
      protocol: 6,
      fragment: true,
      fragmentOffset: 185,
      moreFragments: false,
      sourcePort: 0,
      payload: EIGHT,
    };
    expect(decodePacket(ipPacket({ ...OVER4, ...later }))).toMatchObject({
      ...common,
      l4Offset: 20,
      payloadOffset: 20,
    });
    expect(decodePacket(ipPacket({ ...OVER6, ...later }))).toMatchObject({
      ...common,
      l4Offset: 48,
      payloadOffset: 48,
    });
  });

  test("nothing behind the fragment header of a later fragment", () => {
    const packet = ipPacket({ ...OVER6, protocol: 60, payload: EIGHT, fragmentOffset: 1 });
    expect(decodePacket(packet)).toMatchObject({ protocol: 60, l4Offset: 48, payloadOffset: 48, payloadBytes: 8 });
  });

  test.each([
    ["TCP", 6, 16],
    ["UDP", 17, 0],
    ["ICMP", 1, 0],
  ])("a first fragment with half a %s header as opaque", (_, protocol, bytes) => {
    const packet = ipPacket({ ...OVER4, protocol, payload: new Uint8Array(bytes).fill(0x50), moreFragments: true });
    const expected = { family: 4, protocol, l4Offset: 20, payloadOffset: 20, payloadBytes: bytes };
    expect(decodePacket(packet)).toMatchObject({ ...expected, sourcePort: 0, seq: 0, tcpFlags: 0 });
  });
});

test("decodePacket() keeps every offset within whatever it is given", () => {
  fc.assert(
    fc.property(mutatedPacket(), (octets) => {
      const packet = decodePacket(octets);
      if (packet.family === 0) return;
      expect(packet.totalBytes).toBeLessThanOrEqual(octets.length);
      expect(packet.l4Offset).toBeLessThanOrEqual(packet.payloadOffset);
      expect(packet.payloadOffset + packet.payloadBytes).toBeLessThanOrEqual(packet.totalBytes);
      expect(packet.payload).toEqual(octets.slice(packet.payloadOffset, packet.payloadOffset + packet.payloadBytes));
    }),
    { numRuns: 2000 },
  );
});
