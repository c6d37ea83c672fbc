import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { concat } from "./octets.ts";
import { QuicCursor, quicFrames, quicNumber, readQuicFrames, type QuicFrame } from "./quic-frame.ts";

test.each([
  [0, "00"],
  [37, "25"],
  [63, "3f"],
  [64, "4040"],
  [15293, "7bbd"],
  [16384, "80004000"],
  [494878333, "9d7f3e7d"],
  [2 ** 30, "c000000040000000"],
  [Number.MAX_SAFE_INTEGER, "c01fffffffffffff"],
])("quicNumber(%i) is %s, and is read back", (value, hex) => {
  expect(quicNumber(value).toHex()).toBe(hex);
  expect(new QuicCursor(quicNumber(value)).number()).toBe(value);
});

test("quicNumber() refuses what is no whole number of its range", () => {
  for (const value of [-1, 0.5, 2 ** 53]) expect(() => quicNumber(value)).toThrow("QUIC integer must be");
});

test("QuicCursor reads longer forms than needed, and nothing past the end", () => {
  expect(new QuicCursor(Uint8Array.fromHex("4025")).number()).toBe(37);
  for (const hex of ["", "40", "800000", "c0000000000000"]) {
    const cursor = new QuicCursor(Uint8Array.fromHex(hex));
    expect([cursor.number(), cursor.octet(), cursor.left]).toEqual([undefined, undefined, 0]);
  }
});

const FRAMES: readonly QuicFrame[] = [
  { kind: "ping" },
  { kind: "padding", bytes: 3 },
  { kind: "crypto", offset: 70000, octets: Uint8Array.of(1, 2, 3) },
  { kind: "crypto", offset: 0, octets: new Uint8Array(0) },
  {
    kind: "ack",
    largest: 5,
    delay: 100,
    first: 1,
    ranges: [
      [1, 0],
      [0, 300],
    ],
  },
  { kind: "ack", largest: 5, delay: 0, first: 5, ranges: [], ecn: [1, 2, 70000] },
  { kind: "close", error: 0x12f, frameType: 6, reason: "no" },
  { kind: "padding", bytes: 1 },
];

describe("readQuicFrames()", () => {
  test("reads back what quicFrames() wrote", () => {
    const octets = quicFrames(FRAMES);
    expect(readQuicFrames(octets)).toEqual({ frames: FRAMES, bytes: octets.length });
  });

  test.each([
    ["STREAM", Uint8Array.of(0x08, 0, 0)],
    ["an application's close", Uint8Array.of(0x1d, 0, 0)],
    ["a type in two octets", Uint8Array.of(0x40, 0x01)],
    ["a CRYPTO frame that reaches past the end", Uint8Array.of(0x06, 0, 3, 1, 2)],
    ["an ACK with more ranges than there are octets", concat(0x02, 1, 0, quicNumber(2 ** 50), 0, 1, 1)],
  ])("stops in front of %s and keeps what came before", (_, octets) => {
    const before = quicFrames(FRAMES);
    expect(readQuicFrames(concat(before, octets))).toEqual({ frames: FRAMES, bytes: before.length });
  });

  test("reads any octets to an end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        const { frames, bytes } = readQuicFrames(octets);
        expect(bytes).toBeLessThanOrEqual(octets.length);
        // Numbers may have come in longer forms; the octets written are then fewer.
        if (!frames.some(isHuge)) expect(quicFrames(frames).length).toBeLessThanOrEqual(bytes);
      }),
      { numRuns: 1000 },
    );
  });
});

/** Integers up to 2^62 can be read, those above 2^53 not be written. */
function isHuge(frame: QuicFrame): boolean {
  return JSON.stringify(frame)
    .split(/[^\d.e+]+/)
    .some((number) => Number(number) > Number.MAX_SAFE_INTEGER);
}
