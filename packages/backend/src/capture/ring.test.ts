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

  test("tells a reader who waits as soon as something is written, by any thread, or that nothing is", async () => {
    const ring = new CaptureRing(CaptureRing.memory(SMALL_BYTES));
    ring.level = CaptureLevel.Packets;
    expect(await ring.written(1)).toBe(false);
    const heard = ring.written(NEVER_MS);
    ring.write([recordOf(Uint8Array.of(1), 1)]);
    expect(await heard).toBe(true);
    expect(await ring.written(NEVER_MS)).toBe(true);
    ring.read(SMALL_BYTES, () => undefined);
    const woken = ring.written(NEVER_MS);
    ring.wake();
    expect(await woken).toBe(false);
    const url = URL.createObjectURL(new Blob([WRITER], { type: "text/javascript" }));
    const thread = new Worker(url);
    const written = ring.written(NEVER_MS);
    thread.postMessage({ path: import.meta.resolve("./ring.ts"), memory: ring.memory });
    expect(await written).toBe(true);
    thread.terminate();
    URL.revokeObjectURL(url);
  });
});

/** Longer than any test takes. */
const NEVER_MS = 1_000_000;
const WRITER = `self.onmessage = async ({ data: { path, memory } }) => {
  const { CaptureRing } = await import(path);
  const zeros = { kind: 0, verdict: 0, reason: 0, l7: 0, index: 0, count: 0, number: 0 };
  new CaptureRing(memory).writeOne({ ...zeros, rule: -1, delayMs: 0, timeMs: 0 }, Uint8Array.of(7), 0, 1);
};`;
