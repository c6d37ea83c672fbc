import { describe, expect, test } from "bun:test";
import { EventQueue } from "./event-queue.ts";
import { SeededRandom } from "./random.ts";

describe("EventQueue", () => {
  test("hands out in order of time, and of one moment in order of planning", () => {
    const queue = new EventQueue<string>();
    queue.plan(5, "a");
    queue.plan(3, "b");
    queue.plan(5, "c");
    queue.plan(3, "d");
    expect(queue.nextMs).toBe(3);
    expect(Array.from({ length: 5 }, () => queue.take())).toEqual(["b", "d", "a", "c", undefined]);
    expect(queue.nextMs).toBeUndefined();
  });

  test("keeps that order while events come and go", () => {
    const queue = new EventQueue<number>();
    const random = new SeededRandom(3);
    let now = 0;
    let planned = 0;
    const taken: number[] = [];
    for (let turn = 0; turn < 2000; turn += 1) {
      if (random.chance(0.6)) {
        queue.plan(now + (random.next() % 9), planned);
        planned += 1;
      } else {
        const due = queue.nextMs;
        const event = queue.take();
        expect(event === undefined).toBe(due === undefined);
        if (due === undefined || event === undefined) continue;
        expect(due).toBeGreaterThanOrEqual(now);
        now = due;
        taken.push(event);
      }
    }
    expect(new Set(taken).size).toBe(taken.length);
  });
});
