import { describe, expect, test } from "bun:test";
import { compare, comparePaired, median, medianInterval } from "./statistics.ts";

describe("median", () => {
  test("is the middle of an odd count, whatever the order", () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  test("is the mean of the middle two of an even count", () => {
    expect(median([4, 1, 3, 100])).toBe(3.5);
  });

  test("sorts by size, not as text", () => {
    expect(median([10, 9, 100])).toBe(10);
  });

  test("leaves its values as they were", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  test("refuses no values", () => {
    expect(() => median([])).toThrow("median: expected at least one value, found none");
  });
});

describe("medianInterval", () => {
  test("leaves out as many at either end as chance puts there", () => {
    // 25 values: (25 - 1.96 * 5) / 2 = 7.6 of them.
    const values = Array.from({ length: 25 }, (_, index) => 100 - index);
    expect(medianInterval(values)).toEqual([83, 93]);
  });

  test("says the least and the greatest of few", () => {
    expect(medianInterval([3, 1, 2])).toEqual([1, 3]);
    expect(() => medianInterval([])).toThrow("median: expected at least one value, found none");
  });
});

describe("compare", () => {
  test("divides the medians and bounds the ratios of the rounds", () => {
    expect(compare([10, 20, 40], [11, 10, 60])).toEqual({
      reference: 20,
      ours: 11,
      ratio: 0.55,
      ratioMin: 0.5,
      ratioMax: 1.5,
      rounds: 3,
    });
  });

  test("refuses series of different length", () => {
    expect(() => compare([1, 2], [1])).toThrow("series: expected equal lengths, found 2 and 1");
  });
});

describe("comparePaired()", () => {
  test("takes the middle of the rounds' own ratios and differences, not those of the medians", () => {
    // The machine was twice as slow in the second round; only the third says anything against ours.
    const found = comparePaired([10, 5, 10, 8, 10], [10, 5, 5, 8, 10]);
    expect(found).toMatchObject({ reference: 10, ours: 8, ratio: 1, difference: 0, ratioMin: 0.5, ratioMax: 1 });
    expect(found.ratioInterval).toEqual([0.5, 1]);
  });
});
