import { expect, test } from "bun:test";
import { EventQueue } from "./event-queue.ts";

test("EventQueue runs in order of time, and within a moment in order of planning", () => {
  const queue = new EventQueue();
  const ran: string[] = [];
  for (const [atMs, name] of [
    [5, "c"],
    [1, "a"],
    [5, "d"],
    [3, "b"],
    [5, "e"],
  ] as const) {
    queue.plan(atMs, () => ran.push(name));
  }
  const times: (number | undefined)[] = [];
  while (queue.nextMs !== undefined) {
    times.push(queue.nextMs);
    queue.runNext();
  }
  expect(ran).toEqual(["a", "b", "c", "d", "e"]);
  expect(times).toEqual([1, 3, 5, 5, 5]);
  queue.runNext();
  expect(ran).toHaveLength(5);
});
