import { expect, test } from "bun:test";
import { SeededRandom } from "./random.ts";

function take(seed: number, count: number): number[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => random.next());
}

test("SeededRandom gives equal numbers for equal seeds, and others for the next seed", () => {
  expect(take(1, 20)).toEqual(take(1, 20));
  expect(take(1, 20)).not.toEqual(take(2, 20));
  expect(new Set([0, 1, 2, 3, -1, 0x5bd1e995].map((seed) => take(seed, 1)[0])).size).toBe(6);
});

test("SeededRandom.next() stays within 1 to 2^32 - 1", () => {
  for (const number of take(3, 10_000)) {
    expect(Number.isInteger(number) && number >= 1 && number <= 0xffffffff).toBe(true);
  }
});

test("SeededRandom.chance() is never true at 0, always at 1, and near its share between", () => {
  const random = new SeededRandom(4);
  const hits = (share: number): number =>
    Array.from({ length: 10_000 }, () => random.chance(share)).filter(Boolean).length;
  expect(hits(0)).toBe(0);
  expect(hits(1)).toBe(10_000);
  expect(Math.abs(hits(0.3) - 3000)).toBeLessThan(200);
});
