import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { WireError } from "./errors.ts";
import { concat } from "./octets.ts";
import { writePcap } from "./pcap.ts";
import { PcapngWriter, writePcapng } from "./pcapng-write.ts";
import { readCapture } from "./read-capture.ts";

/** Numbers of a block in one order of octets. */
class Order {
  constructor(private readonly little: boolean) {}
  u16(...values: number[]): Uint8Array {
    return concat(...values.map((value) => this.#number(2, (view) => view.setUint16(0, value, this.little))));
  }
  u32(...values: number[]): Uint8Array {
    return concat(...values.map((value) => this.#number(4, (view) => view.setUint32(0, value, this.little))));
  }
  i64(value: bigint): Uint8Array {
    return this.#number(8, (view) => view.setBigInt64(0, value, this.little));
  }
  block(type: number, ...body: Uint8Array[]): Uint8Array {
    const octets = concat(...body);
    return concat(this.u32(type, octets.length + 12), octets, this.u32(octets.length + 12));
  }
  section(): Uint8Array {
    return this.block(0x0a0d0d0a, this.u32(0x1a2b3c4d), this.u16(1, 0), this.i64(-1n));
  }
  #number(bytes: number, set: (view: DataView) => void): Uint8Array {
    const octets = new Uint8Array(bytes);
    set(new DataView(octets.buffer));
    return octets;
  }
}

const LITTLE = new Order(true);
const BIG = new Order(false);
const PACKET = Uint8Array.of(0x45, 1, 2);
const PADDED = Uint8Array.of(0x45, 1, 2, 0);

describe.each([
  ["little-endian", LITTLE],
  ["big-endian", BIG],
])("readCapture() of a %s pcapng file reads", (_, order) => {
  test("interfaces, enhanced packets with their comments, and passes over other blocks", () => {
    const name = concat(order.u16(2, 4), new TextEncoder().encode("tun0"), order.u32(0));
    const comment = concat(order.u16(1, 5), new TextEncoder().encode("hello\0\0\0"), order.u32(0));
    const file = concat(
      order.section(),
      order.block(1, order.u16(101, 0), order.u32(0), name),
      order.block(4, order.u32(0)),
      order.block(6, order.u32(0, 0, 5, 3, 40), PADDED, comment),
      order.block(0x0bad, new Uint8Array(8)),
      order.block(6, order.u32(0, 1, 0, 3, 3), PADDED),
    );
    expect(readCapture(file)).toEqual({
      linkType: 101,
      interfaces: [{ linkType: 101, name: "tun0" }],
      packets: [
        { timestampNs: 5000n, octets: PACKET, originalBytes: 40, interfaceId: 0, comment: "hello" },
        { timestampNs: 2n ** 32n * 1000n, octets: PACKET, originalBytes: 3, interfaceId: 0 },
      ],
    });
  });

  test.each([
    ["default microseconds", undefined, 0n, 7000n],
    ["nanoseconds", 9, 0n, 7n],
    ["milliseconds", 3, 0n, 7_000_000n],
    ["powers of two", 0x81, 0n, 3_500_000_000n],
    ["an offset in seconds", 9, 100n, 100_000_000_007n],
  ])("times in %s", (_name, resolution, offsetSeconds, timestampNs) => {
    const options = concat(
      ...(resolution === undefined ? [] : [order.u16(9, 1), Uint8Array.of(resolution, 0, 0, 0)]),
      order.u16(14, 8),
      order.i64(offsetSeconds),
    );
    const file = concat(
      order.section(),
      order.block(1, order.u16(101, 0), order.u32(0), options),
      order.block(6, order.u32(0, 0, 7, 3, 3), PADDED),
    );
    expect(readCapture(file).packets[0]?.timestampNs).toBe(timestampNs);
  });

  test("simple packets, cut at the snap length", () => {
    const file = concat(
      order.section(),
      order.block(1, order.u16(101, 0), order.u32(2)),
      order.block(3, order.u32(40), Uint8Array.of(0x45, 1, 0, 0)),
    );
    const expected = { timestampNs: 0n, octets: Uint8Array.of(0x45, 1), originalBytes: 40, interfaceId: 0 };
    expect(readCapture(file).packets).toEqual([expected]);
  });
});

test("readCapture() counts interfaces on over sections of either order", () => {
  const section = (order: Order, linkType: number): Uint8Array =>
    concat(
      order.section(),
      order.block(1, order.u16(linkType, 0), order.u32(0)),
      order.block(6, order.u32(0, 0, 7, 3, 3), PADDED),
    );
  const read = readCapture(concat(section(LITTLE, 101), section(BIG, 1)));
  expect(read.interfaces).toEqual([{ linkType: 101 }, { linkType: 1 }]);
  expect(read.packets.map(({ interfaceId }) => interfaceId)).toEqual([0, 1]);
});

test("readCapture() gives back what writePcapng() took", () => {
  const packet = fc.record(
    {
      octets: fc.uint8Array({ maxLength: 70 }),
      timestampNs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      interfaceId: fc.nat(1),
      comment: fc.string({ unit: "grapheme", maxLength: 20 }),
    },
    { requiredKeys: ["octets", "timestampNs", "interfaceId"] },
  );
  const interfaces = [{ linkType: 101, name: "tun0" }, { linkType: 1 }];
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 8 }), (packets) => {
      const expected = packets.map((each) => ({ ...each, originalBytes: each.octets.length }));
      expect(readCapture(writePcapng(packets, interfaces))).toEqual({ linkType: 101, interfaces, packets: expected });
    }),
  );
});

test("pcap and pcapng hold the same packets", () => {
  const packets = [{ octets: PACKET, timestampNs: 1_234_567_890_123_456_789n, originalBytes: 1500 }];
  expect(readCapture(writePcapng(packets, 101))).toEqual(readCapture(writePcap(packets, 101)));
});

test("PcapngWriter refuses a file without interfaces, and a packet of one that is not there", () => {
  expect(() => new PcapngWriter(() => {}, [])).toThrow("pcapng needs at least 1 interface, found 0");
  expect(() => writePcapng([{ octets: PACKET, interfaceId: 1 }], 101)).toThrow("interface number");
});

describe("readCapture() refuses", () => {
  const section = LITTLE.section();
  const described = concat(section, LITTLE.block(1, LITTLE.u16(101, 0), LITTLE.u32(0)));
  test.each<[string, Uint8Array]>([
    ["capture at octet 0 must have 12 octets of block, found 8", section.slice(0, 8)],
    [
      "capture at octet 8 must have a byte-order magic, found 1020304",
      concat(section.slice(0, 8), 1, 2, 3, 4, section.slice(12)),
    ],
    ["capture at octet 0 must have 28 octets of block, found 27", section.slice(0, -1)],
    ["capture at octet 24 must have the block length 28 again, found 29", concat(section.slice(0, 24), 29, 0, 0, 0)],
    [
      "capture at octet 32 must have a block length of 12 or more, in fours, found 8",
      concat(section, LITTLE.u32(1, 8, 8)),
    ],
    [
      "capture at octet 32 must have a block length of 12 or more, in fours, found 13",
      concat(section, LITTLE.u32(1, 13, 0)),
    ],
    [
      "capture at octet 12 must have major version 1, found 2",
      LITTLE.block(0x0a0d0d0a, LITTLE.u32(0x1a2b3c4d, 2, 0, 0)),
    ],
    [
      "capture at octet 36 must have an interface number below 0, found 0",
      concat(section, LITTLE.block(6, LITTLE.u32(0, 0, 0, 0, 0))),
    ],
    [
      "capture at octet 36 must have 8 octets of interface description, found 4",
      concat(section, LITTLE.block(1, LITTLE.u32(0))),
    ],
    [
      "capture at octet 76 must have 5 octets of packet, found 4",
      concat(described, LITTLE.block(6, LITTLE.u32(0, 0, 0, 5, 5), PADDED)),
    ],
    [
      "capture at octet 84 must have 9 octets of option value, found 0",
      concat(described, LITTLE.block(6, LITTLE.u32(0, 0, 0, 3, 3), PADDED, LITTLE.u16(1, 9))),
    ],
  ])("%s", (message, octets) => {
    expect(() => readCapture(octets)).toThrow(WireError);
    expect(() => readCapture(octets)).toThrow(message);
  });
});
