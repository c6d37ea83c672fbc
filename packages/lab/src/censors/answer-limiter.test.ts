import { describe, expect, test } from "bun:test";
import { AnswerLimiter } from "./answer-limiter.ts";

const SEGMENT_BYTES = 1000;

describe("AnswerLimiter", () => {
  test("freezes: lets so many octets through, nothing behind them, and acknowledgements for ever", () => {
    const limiter = new AnswerLimiter({ kind: "freezes", afterBytes: 2500 }, 0);
    const passed = [1, 2, 3, 4].map((second) => limiter.lets(SEGMENT_BYTES, second * 1000));
    expect(passed).toEqual([true, true, false, false]);
    expect(limiter.lets(0, 9000)).toBe(true);
  });

  test("slows: a bucket first, then its rate, however long nothing came", () => {
    const limiter = new AnswerLimiter({ kind: "slows", bytesPerSecond: 1000, bucketBytes: 2000 }, 0);
    const at = (ms: number): boolean => limiter.lets(SEGMENT_BYTES, ms);
    expect([at(0), at(0), at(0), at(500), at(1000), at(1000)]).toEqual([true, true, false, false, true, false]);
    expect([at(60_000), at(60_000), at(60_000)]).toEqual([true, true, false]);
  });
});
