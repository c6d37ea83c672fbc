import { describe, expect, test } from "bun:test";
import fc, { type Arbitrary } from "fast-check";
import type { PacketToCapture } from "./capture.ts";
import { WireError } from "./errors.ts";
import { concat } from "./octets.ts";
import { PcapWriter, writePcap } from "./pcap.ts";
import { writePcapng } from "./pcapng-write.ts";
import { readCapture } from "./read-capture.ts";

const NS_MAX = 2n ** 32n * 1_000_000_000n - 1n;

/** Packets as a writer takes them, with times up to the year 2106. */
function anyPackets(): Arbitrary<Required<Omit<PacketToCapture, "comment" | "interfaceId">>[]> {
  const packet = fc.record({
    octets: fc.uint8Array({ maxLength: 70 }),
    timestampNs: fc.bigInt({ min: 0n, max: NS_MAX }),
    more: fc.nat(2000),
  });
  return fc.array(
    packet.map(({ more, ...rest }) => ({ ...rest, originalBytes: rest.octets.length + more })),
    { maxLength: 8 },
  );
}

/** The same file in the other order of octets, packet by packet. */
function bigEndian(file: Uint8Array): Uint8Array {
  const copy = file.slice();
  const from = new DataView(copy.slice().buffer);
  const to = new DataView(copy.buffer);
  const turn4 = (at: number): void => to.setUint32(at, from.getUint32(at, true), false);
  const turn2 = (at: number): void => to.setUint16(at, from.getUint16(at, true), false);
  for (const at of [0, 8, 12, 16, 20]) turn4(at);
  for (const at of [4, 6]) turn2(at);
  for (let at = 24; at < file.length; at += 16 + from.getUint32(at + 8, true)) {
    for (const field of [0, 4, 8, 12]) turn4(at + field);
  }
  return copy;
}

test("readCapture() reads a pcap file of microseconds, either order of octets", () => {
  const little =
    "d4c3b2a1" +
    "02000400" +
    "00000000" +
    "00000000" +
    "ffff0000" +
    "65000000" + // file
    "01000000" +
    "02000000" +
    "03000000" +
    "28000000" +
    "450102"; // packet
  const expected = {
    linkType: 101,
    interfaces: [{ linkType: 101 }],
    packets: [{ timestampNs: 1_000_002_000n, octets: Uint8Array.of(0x45, 1, 2), originalBytes: 40, interfaceId: 0 }],
  };
  expect(readCapture(Uint8Array.fromHex(little))).toEqual(expected);
  expect(readCapture(bigEndian(Uint8Array.fromHex(little)))).toEqual(expected);
});

test("readCapture() gives back what writePcap() took, to the nanosecond", () => {
  fc.assert(
    fc.property(anyPackets(), fc.nat(0xffff), fc.boolean(), (packets, linkType, big) => {
      const file = writePcap(packets, linkType);
      const read = readCapture(big ? bigEndian(file) : file);
      expect(read).toEqual({
        linkType,
        interfaces: [{ linkType }],
        packets: packets.map((packet) => ({ ...packet, interfaceId: 0 })),
      });
    }),
  );
});

test("writePcap() in microseconds cuts the rest of the time off", () => {
  const packets = [{ octets: Uint8Array.of(0x45), timestampNs: 1_999_999_999n }];
  const file = writePcap(packets, 101, { resolution: "us" });
  expect(file.slice(0, 4).toHex()).toBe("d4c3b2a1");
  expect(readCapture(file).packets[0]?.timestampNs).toBe(1_999_999_000n);
});

test("PcapWriter gives its sink the pieces that writePcap() joins", () => {
  const packets = [{ octets: Uint8Array.of(0x45) }, { octets: Uint8Array.of(0x60, 1) }];
  const pieces: Uint8Array[] = [];
  const writer = new PcapWriter((piece) => pieces.push(piece), 101);
  for (const packet of packets) writer.write(packet);
  expect(pieces.map((piece) => piece.length)).toEqual([24, 17, 18]);
  expect(concat(...pieces)).toEqual(writePcap(packets, 101));
});

test.each([
  ["writePcap", writePcap],
  ["writePcapng", writePcapng],
])("%s() takes more packets than a call takes arguments", (_, write) => {
  const packet = { octets: new Uint8Array(0) };
  const bytes = write([packet], 101).length - write([], 101).length;
  const packets = Array.from({ length: 1_000_000 }, () => packet);
  expect(write(packets, 101).length).toBe(write([], 101).length + packets.length * bytes);
});

describe("readCapture() refuses", () => {
  const file = writePcap([{ octets: new Uint8Array(40) }], 101);
  const wrongVersion = file.slice();
  wrongVersion[4] = 3;
  test.each<[string, Uint8Array]>([
    ["capture at octet 0 must have a magic number of pcap or pcapng, found an empty file", new Uint8Array(0)],
    ["capture at octet 0 must have a magic number of pcap or pcapng, found 01020304", Uint8Array.of(1, 2, 3, 4, 5)],
    ["capture at octet 0 must have 24 octets of file header, found 10", file.slice(0, 10)],
    ["capture at octet 4 must have major version 2, found 3", wrongVersion],
    ["capture at octet 24 must have 16 octets of packet header, found 6", file.slice(0, 30)],
    ["capture at octet 40 must have 40 octets of packet, found 39", file.slice(0, -1)],
  ])("%s", (message, octets) => {
    expect(() => readCapture(octets)).toThrow(WireError);
    expect(() => readCapture(octets)).toThrow(message);
  });
});

test.each([
  ["before 1970", -1n],
  ["after 2106", NS_MAX + 1n],
])("writePcap() refuses a time %s", (_, timestampNs) => {
  expect(() => writePcap([{ octets: new Uint8Array(1), timestampNs }], 101)).toThrow("timestamp");
});

test("readCapture() of a damaged file gives packets or an error that names the place", () => {
  const damage = fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { minLength: 1, maxLength: 6 });
  const written = fc.tuple(anyPackets(), fc.boolean()).map(([packets, newer]) => {
    return newer ? writePcapng(packets, [{ linkType: 101, name: "tun0" }, { linkType: 1 }]) : writePcap(packets, 101);
  });
  fc.assert(
    fc.property(written, damage, fc.nat(700), fc.boolean(), (whole, changes, bytes, cut) => {
      const file = cut ? whole.slice(0, bytes) : whole.slice();
      for (const [at, octet] of changes) if (file.length > 0) file[at % file.length] = octet;
      try {
        const { packets, interfaces } = readCapture(file);
        const sum = packets.reduce((total, packet) => total + packet.octets.length, 0);
        expect(sum).toBeLessThanOrEqual(file.length);
        for (const { interfaceId } of packets) expect(interfaceId).toBeLessThan(interfaces.length);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
        expect(error).toMatchObject({
          code: "E_WIRE_CAPTURE",
          message: expect.stringMatching(/^capture at octet \d+ must have/),
        });
      }
    }),
    { numRuns: 3000 },
  );
});
