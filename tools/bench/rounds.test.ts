import { describe, expect, test } from "bun:test";
import { interleave, measure, type Candidate } from "./rounds.ts";

/** Candidates that write down their turn; each run measures how many ran before it. */
function recorders(names: readonly string[], turns: string[]): Candidate[] {
  return names.map((name) => ({
    name,
    run: async () => {
      turns.push(name);
      return { turn: turns.length };
    },
  }));
}

describe("interleave", () => {
  test("runs every candidate in each round, every other round in reverse", async () => {
    const turns: string[] = [];
    await interleave(recorders(["a", "b", "c"], turns), 3);
    expect(turns.join("")).toBe("abccbaabc");
  });

  test("keeps the samples of a candidate in the order of the rounds", async () => {
    const series = await interleave(recorders(["a", "b"], []), 3);
    expect(measure(series, "a", "turn")).toEqual([1, 4, 5]);
    expect(measure(series, "b", "turn")).toEqual([2, 3, 6]);
  });
});

describe("measure", () => {
  test("refuses a measure that a sample lacks", async () => {
    const series = await interleave(recorders(["a"], []), 1);
    expect(() => measure(series, "a", "speed")).toThrow("measure speed of a: not in every sample");
  });
});
