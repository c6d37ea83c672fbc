import { describe, expect, test } from "bun:test";
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
import { formatAddress, parseAddress } from "./address.ts";
import { anyEchoFields, anyTcpFields, anyUdpFields } from "./arbitrary.ts";
import { decodePacket } from "./decode.ts";
import { WireError } from "./errors.ts";
import { be16, be32, octetAt, zeroPadded } from "./octets.ts";
import { tcpOptions, tcpOptionsOf } from "./tcp-options.ts";
import { icmpEcho, tcpPacket, udpPacket, type TcpFields } from "./transport.ts";

const OVER4 = { source: "192.0.2.7", destination: "203.0.113.9" };
const PORTS = { sourcePort: 40000, destinationPort: 443 };

describe("what was read of a real packet builds it again, octet for octet:", () => {
  test.each([
    ["SYN", REAL_SYN],
    ["hello", REAL_HELLO],
    ["request", REAL_REQUEST],
  ])("tcpPacket() %s", (_, octets) => {
    const read = decodePacket(octets);
    const window = be16(octets, 34);
    const options = tcpOptions(tcpOptionsOf(octets));
    expect(tcpPacket({ ...read, flags: read.tcpFlags, window, options }).toHex()).toBe(octets.toHex());
  });

  test("udpPacket() over IPv4", () => {
    expect(udpPacket(decodePacket(REAL_DATAGRAM)).toHex()).toBe(REAL_DATAGRAM.toHex());
  });

  test("udpPacket() over IPv6", () => {
    const flowLabel = be32(REAL_DATAGRAM6, 0) & 0xfffff;
    expect(udpPacket({ ...decodePacket(REAL_DATAGRAM6), flowLabel }).toHex()).toBe(REAL_DATAGRAM6.toHex());
  });

  test("icmpEcho() over IPv4", () => {
    const fields = { ...decodePacket(REAL_PING), identifier: be16(REAL_PING, 24), sequence: be16(REAL_PING, 26) };
    expect(icmpEcho(fields).toHex()).toBe(REAL_PING.toHex());
  });

  test("icmpEcho() over IPv6", () => {
    const fields = { ...decodePacket(REAL_PING6), identifier: be16(REAL_PING6, 44), sequence: be16(REAL_PING6, 46) };
    const flowLabel = be32(REAL_PING6, 0) & 0xfffff;
    expect(icmpEcho({ ...fields, flowLabel }).toHex()).toBe(REAL_PING6.toHex());
  });
});

test("tcpPacket() chooses sane defaults", () => {
  const packet = tcpPacket({ ...OVER4, ...PORTS });
  expect(decodePacket(packet)).toMatchObject({ hopLimit: 64, id: 1, seq: 1, ack: 1, tcpFlags: 0x10, payloadBytes: 0 });
  expect(be16(packet, 6)).toBe(0x4000);
  expect(be16(packet, 34)).toBe(64240);
  expect(decodePacket(tcpPacket({ ...OVER4, ...PORTS, payload: Uint8Array.of(1) })).tcpFlags).toBe(0x18);
  expect(decodePacket(tcpPacket({ ...OVER4, ...PORTS, flags: "S" }))).toMatchObject({ tcpFlags: 2, ack: 0 });
});

test("tcpPacket() forbids fragments, except in a fragment", () => {
  const flags = (fields: Partial<TcpFields>): number => be16(tcpPacket({ ...OVER4, ...PORTS, ...fields }), 6) >> 13;
  expect([flags({}), flags({ dontFragment: false })]).toEqual([2, 0]);
  expect([flags({ moreFragments: true }), flags({ fragmentOffset: 3 })]).toEqual([1, 0]);
  expect(flags({ moreFragments: true, dontFragment: true })).toBe(3);
});

test("tcpPacket() writes a given checksum as it is", () => {
  expect(be16(tcpPacket({ ...OVER4, ...PORTS, checksum: 0xbad }), 36)).toBe(0xbad);
});

test("decodePacket() gives back what tcpPacket() took", () => {
  fc.assert(
    fc.property(anyTcpFields(), (fields) => {
      const packet = tcpPacket(fields);
      const read = decodePacket(packet);
      expect(read.source).toBe(formatAddress(parseAddress(fields.source)));
      expect(read.destination).toBe(formatAddress(parseAddress(fields.destination)));
      expect(read).toMatchObject({
        protocol: 6,
        sourcePort: fields.sourcePort,
        destinationPort: fields.destinationPort,
      });
      expect(read.hopLimit).toBe(fields.hopLimit ?? 64);
      expect(read.seq).toBe(fields.seq ?? 1);
      if (fields.ack !== undefined) expect(read.ack).toBe(fields.ack);
      if (fields.flags !== undefined) expect(read.tcpFlags).toBe(Number(fields.flags));
      expect(read.payload.toHex()).toBe((fields.payload ?? new Uint8Array(0)).toHex());
      expect(read.totalBytes).toBe(packet.length);
      const options = packet.slice(read.l4Offset + 20, read.payloadOffset);
      expect(options.toHex()).toBe(zeroPadded(fields.options ?? new Uint8Array(0), 4).toHex());
      expect(be16(packet, read.l4Offset + 14)).toBe(fields.window ?? 64240);
      expect(be16(packet, read.l4Offset + 18)).toBe(fields.urgent ?? 0);
    }),
  );
});

test("decodePacket() gives back what udpPacket() took", () => {
  fc.assert(
    fc.property(anyUdpFields(), (fields) => {
      const packet = udpPacket(fields);
      const read = decodePacket(packet);
      expect(read).toMatchObject({
        protocol: 17,
        sourcePort: fields.sourcePort,
        destinationPort: fields.destinationPort,
      });
      expect(read.payload.toHex()).toBe((fields.payload ?? new Uint8Array(0)).toHex());
      expect(read.payloadOffset + read.payloadBytes).toBe(packet.length);
      if (read.family === 4) {
        expect(octetAt(packet, 1)).toBe(fields.tos ?? 0);
        expect((be16(packet, 6) & 0x4000) !== 0).toBe(fields.dontFragment ?? true);
      } else {
        expect(be32(packet, 0)).toBe(0x60000000 + (fields.tos ?? 0) * 0x100000 + (fields.flowLabel ?? 0));
      }
    }),
  );
});

test("decodePacket() gives back what icmpEcho() took", () => {
  fc.assert(
    fc.property(anyEchoFields(), (fields) => {
      const packet = icmpEcho(fields);
      const { family, l4Offset, payload } = decodePacket(packet);
      const type = family === 4 ? (fields.reply ? 0 : 8) : fields.reply ? 129 : 128;
      expect([octetAt(packet, l4Offset), be16(packet, l4Offset + 4)]).toEqual([type, fields.identifier ?? 1]);
      expect(be16(packet, l4Offset + 6)).toBe(fields.sequence ?? 1);
      expect(payload).toEqual(fields.payload ?? new Uint8Array(0));
    }),
  );
});

describe("builders refuse", () => {
  test.each<[string, () => Uint8Array]>([
    [
      "addresses of a packet must be of one family",
      () => tcpPacket({ ...PORTS, source: "192.0.2.7", destination: "2001:db8::1" }),
    ],
    ["source port must be a whole number of 0 to 65535", () => udpPacket({ ...OVER4, ...PORTS, sourcePort: 65536 })],
    ["hop limit must be", () => udpPacket({ ...OVER4, ...PORTS, hopLimit: -1 })],
    ["seq must be", () => tcpPacket({ ...OVER4, ...PORTS, seq: 2 ** 32 })],
    ["octets of TCP options must be", () => tcpPacket({ ...OVER4, ...PORTS, options: new Uint8Array(41) })],
    ["octets of IPv4 options must be", () => tcpPacket({ ...OVER4, ...PORTS, ipOptions: new Uint8Array(41) })],
    ["TCP flags must be letters of FSRPAUEC", () => tcpPacket({ ...OVER4, ...PORTS, flags: "X" })],
    [
      "extension headers need IPv6",
      () => udpPacket({ ...OVER4, ...PORTS, extensionHeaders: [{ protocol: 0, data: new Uint8Array(0) }] }),
    ],
    [
      "IP options need IPv4",
      () => udpPacket({ source: "::1", destination: "::1", ...PORTS, ipOptions: Uint8Array.of(1) }),
    ],
    ["total length must be", () => tcpPacket({ ...OVER4, ...PORTS, payload: new Uint8Array(65500) })],
  ])("%s", (message, build) => {
    expect(build).toThrow(WireError);
    expect(build).toThrow(message);
  });
});
