import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CaptureKind, CaptureLevel, CaptureRing, type CaptureRecord } from "./ring.ts";

const SMALL_BYTES = 4096;

function recordOf(octets: Uint8Array, number: number): CaptureRecord {
  const said = { kind: CaptureKind.After, verdict: 1, reason: 32, l7: 1, rule: 3, delayMs: 5, index: 1, count: 2 };
  return { ...said, number, timeMs: 1_700_000_000_000.25, octets };
}

describe("CaptureRing", () => {
  test("gives what was written in order, through any number of rounds, and loses only what it counts", () => {
    const groups = fc.array(fc.array(fc.uint8Array({ maxLength: 900 }), { minLength: 1, maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(groups, { maxLength: 12 }), (rounds) => {
        const ring = new CaptureRing(CaptureRing.memory(SMALL_BYTES));
        ring.level = CaptureLevel.Packets;
        let number = 0;
        for (const round of rounds) {
          const expected: CaptureRecord[] = [];
          for (const group of round) {
            const records = group.map((octets) => recordOf(octets, number++));
            const before = ring.lost;
            // Both ways of writing leave the same.
            const [only] = records;
            if (records.length > 1 || only === undefined) ring.write(records);
            else ring.writeOne(only, Uint8Array.of(9, 9, 9, ...only.octets, 9), 3, only.octets.length);
            if (ring.lost === before) expected.push(...records);
            else expect(ring.lost).toBe(before + records.length);
          }
          const found: CaptureRecord[] = [];
          while (ring.read(SMALL_BYTES, (record) => found.push(record)) > 0);
          expect(found).toEqual(expected);
        }
      }),
    );
  });

  test("takes a group whole or not at all", () => {
    const ring = new CaptureRing(CaptureRing.memory(SMALL_BYTES));
    ring.level = CaptureLevel.Packets;
    ring.write([recordOf(new Uint8Array(2000), 0), recordOf(new Uint8Array(3000), 1)]);
    expect(ring.lost).toBe(2);
    expect(ring.read(SMALL_BYTES, () => expect.unreachable())).toBe(0);
  });

  test("forgets what lay there from an earlier capture", () => {
    const ring = new CaptureRing(CaptureRing.memory(SMALL_BYTES));
    ring.level = CaptureLevel.Messages;
    ring.write([recordOf(new Uint8Array(10), 0)]);
    ring.level = CaptureLevel.Off;
    ring.level = CaptureLevel.Packets;
    expect(ring.read(SMALL_BYTES, () => expect.unreachable())).toBe(0);
  });

  test.each([0, 100, 4097])("refuses %i octets", (bytes) => {
    expect(() => CaptureRing.memory(bytes)).toThrow("expected a power of two from 4096");
  });
});
