import { describe, expect, test } from "bun:test";
import { columns, duration, short } from "./columns.ts";

describe("columns()", () => {
  test("lines up, numbers at their ends, and leaves no spaces behind", () => {
    const rows = [["name", "n"], ["a", "10"], ["longer"]];
    expect(columns(rows, [1])).toBe("name     n\na       10\nlonger\n");
    expect(columns([])).toBe("");
  });
});

describe("short()", () => {
  test.each([
    [0, "0"],
    [999, "999"],
    [1000, "1.0K"],
    [99_949, "99.9K"],
    [99_960, "100K"],
    [999_499, "999K"],
    [999_500, "1.0M"],
    [2e15, "2000T"],
  ])("%d is %s", (value, text) => expect(short(value)).toBe(text));
});

describe("duration()", () => {
  test.each([
    [400, "0s"],
    [59_400, "59s"],
    [61_000, "1m 1s"],
    [3_660_000, "1h 1m"],
    [90_000_000, "1d 1h"],
  ])("%d ms is %s", (ms, text) => expect(duration(ms)).toBe(text));
});
