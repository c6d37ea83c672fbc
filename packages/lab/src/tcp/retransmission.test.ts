import { describe, expect, test } from "bun:test";
import { RETRANSMIT_FIRST_MS, RETRANSMIT_MAX, RetransmitTimer } from "./retransmission.ts";

describe("RetransmitTimer", () => {
  test("stands still until it is started, and when it was stopped", () => {
    const timer = new RetransmitTimer();
    expect(timer.dueMs).toBeUndefined();
    expect(timer.check(1e9)).toBe("wait");
    timer.start(0);
    timer.stop();
    expect(timer.check(1e9)).toBe("wait");
  });

  test("doubles its wait and ends after so many repetitions", () => {
    const timer = new RetransmitTimer();
    timer.start(100);
    const waits: number[] = [];
    let nowMs = 100;
    for (let due = timer.dueMs; due !== undefined; due = timer.dueMs) {
      expect(timer.check(due - 1)).toBe("wait");
      waits.push(due - nowMs);
      nowMs = due;
      if (timer.check(nowMs) === "over") break;
    }
    expect(waits).toEqual(Array.from({ length: RETRANSMIT_MAX + 1 }, (_, turn) => RETRANSMIT_FIRST_MS * 2 ** turn));
    expect(timer.dueMs).toBeUndefined();
  });
});
