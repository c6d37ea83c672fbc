import { expect, test } from "bun:test";
import type { StatusView } from "./contract.ts";
import { rateBetween } from "./rate.ts";

const before = {
  pid: 7,
  uptimeMs: 1000,
  bytesIn: 500,
  passed: 10,
  replaced: 2,
  held: 0,
  dropped: 1,
  flows: 4,
  flowsInserted: 4,
} as unknown as StatusView;

test("rateBetween() divides what was added by the service's own time", () => {
  const now = { ...before, uptimeMs: 3000, bytesIn: 2500, passed: 30, replaced: 3, flows: 3, flowsInserted: 6 };
  expect(rateBetween(before, now, 9000)).toEqual({
    time: 9,
    bytes: 1000,
    passed: 10,
    replaced: 0.5,
    held: 0,
    dropped: 0,
    flows: 3,
    flowsNew: 1,
  });
});

test("rateBetween() says nothing without a moment before, of no time, and across two services", () => {
  expect(rateBetween(undefined, before, 0)).toBeUndefined();
  expect(rateBetween(before, before, 0)).toBeUndefined();
  expect(rateBetween(before, { ...before, pid: 8, uptimeMs: 5000 }, 0)).toBeUndefined();
});
