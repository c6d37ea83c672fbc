import { describe, expect, test } from "bun:test";
import { decodePacket, type DecodedPacket } from "@bunnel/wire";
import { encodePacketMix, kindOf, makePacketMix, MIX_STRIDE_BYTES, type PacketMix } from "./packet-mix.ts";

const COUNT = 4000;
const FLOWS = 500;
const mix = makePacketMix({ count: COUNT, flows: FLOWS });

function packetAt({ packets, lengths, stride }: PacketMix, i: number): Uint8Array {
  return packets.subarray(i * stride, i * stride + (lengths[i] ?? 0));
}

const decoded: readonly DecodedPacket[] = Array.from({ length: COUNT }, (_, i) => decodePacket(packetAt(mix, i)));

function percentOf(isCounted: (packet: DecodedPacket) => boolean): number {
  return (decoded.filter(isCounted).length / COUNT) * 100;
}

describe("makePacketMix", () => {
  test("makes the same octets for the same numbers, and others for another seed", () => {
    const options = { count: 50, flows: 10 };
    expect(makePacketMix(options)).toEqual(makePacketMix(options));
    expect(makePacketMix({ ...options, seed: 2 }).packets).not.toEqual(makePacketMix(options).packets);
  });

  test("makes packets that can be read to their end and fill their lengths", () => {
    expect(decoded.filter(({ family }) => family === 0)).toEqual([]);
    expect(decoded.map(({ totalBytes }) => totalBytes)).toEqual([...mix.lengths]);
  });

  test("keeps the shares of protocols", () => {
    expect(Math.abs(percentOf(({ family, protocol }) => family === 4 && protocol !== 1) - 75)).toBeLessThan(1.5);
    expect(Math.abs(percentOf(({ family }) => family === 6) - 22)).toBeLessThan(1.5);
    expect(Math.abs(percentOf(({ family, l4Offset }) => family === 6 && l4Offset > 40) - 3)).toBeLessThan(1.5);
    expect(Math.abs(percentOf(({ protocol }) => protocol === 1) - 3)).toBeLessThan(1.5);
    expect(Math.abs(percentOf(({ payloadBytes }) => payloadBytes === 0) - 30)).toBeLessThan(1.5);
  });

  test("has every flow, and both directions of nearly all of them", () => {
    const ends = new Set<string>();
    const pairs = new Set<string>();
    for (const { source, sourcePort, destination, destinationPort, protocol } of decoded) {
      const from = `${source} ${sourcePort}`;
      const to = `${destination} ${destinationPort}`;
      ends.add(`${protocol} ${from} ${to}`);
      pairs.add(`${protocol} ${[from, to].toSorted().join(" ")}`);
    }
    expect(pairs.size).toBeGreaterThan(FLOWS * 0.99);
    expect(ends.size).toBeGreaterThan(pairs.size * 1.9);
  });
});

describe("kindOf", () => {
  test("deals a hundred flows as the head of the file says", () => {
    const counts = new Map<string, number>();
    for (let flow = 0; flow < 100; flow++) {
      const { family, protocol, extensionBytes } = kindOf(flow);
      const kind = `${family} ${protocol} ${extensionBytes}`;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual({
      "4 6 0": 60,
      "4 17 0": 15,
      "6 6 0": 14,
      "6 17 0": 5,
      "6 17 16": 3,
      "4 1 0": 3,
    });
  });
});

describe("encodePacketMix", () => {
  test("puts count and stride, the lengths and the packets one behind the other", () => {
    const small = makePacketMix({ count: 3, flows: 3 });
    const file = encodePacketMix(small);
    const view = new DataView(file.buffer);
    expect(file.length).toBe(8 + 3 * 2 + 3 * MIX_STRIDE_BYTES);
    expect([view.getUint32(0, true), view.getUint32(4, true)]).toEqual([3, MIX_STRIDE_BYTES]);
    expect([8, 10, 12].map((at) => view.getUint16(at, true))).toEqual([...small.lengths]);
    expect(file.subarray(14)).toEqual(small.packets);
  });
});
