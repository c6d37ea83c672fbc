import { expect, test } from "bun:test";
import { sequenceAfter, sequenceDistance } from "./sequence.ts";

test("sequenceDistance() counts over the end of the circle in both directions", () => {
  expect(sequenceDistance(10, 15)).toBe(5);
  expect(sequenceDistance(15, 10)).toBe(-5);
  expect(sequenceDistance(0xfffffffe, 3)).toBe(5);
  expect(sequenceDistance(3, 0xfffffffe)).toBe(-5);
});

test("sequenceAfter() stays within 32 bits", () => {
  expect(sequenceAfter(0xffffffff, 1)).toBe(0);
  expect(sequenceAfter(0, -1)).toBe(0xffffffff);
});
