import { expect, test } from "bun:test";
import type { Probe, SourcePlace } from "../instrument/index.ts";
import { linesOf } from "./lines.ts";
import { merge } from "./record.ts";
import { lcovOf, percentOfLines, tableOf } from "./report.ts";

const PLACES: readonly SourcePlace[] = [
  { offset: 10, file: "assembly/a.ts", line: 3 },
  { offset: 20, file: "assembly/a.ts", line: 4 },
  { offset: 30, file: "~lib/memory.ts", line: 1 },
  { offset: 40, file: "assembly/a.ts", line: 5 },
];
const PROBES: readonly Probe[] = [
  { kind: "entry", offset: 9 },
  { kind: "statement", offset: 10 },
  { kind: "statement", offset: 20 },
  { kind: "then", offset: 24 },
  { kind: "statement", offset: 30 },
  { kind: "statement", offset: 40 },
];

test("linesOf() gives lines and branches of the engine's own files", () => {
  const [file, ...others] = linesOf(PROBES, PLACES, Uint8Array.of(1, 1, 0, 1, 0, 0));
  expect(others).toEqual([]);
  expect(file?.path).toBe("wasm/assembly/a.ts");
  expect([...(file?.lines ?? [])]).toEqual([
    [3, true],
    [4, false],
    [5, false],
  ]);
  expect(file?.arms).toEqual([{ line: 4, hit: true }]);
});

test("tableOf() names the missed lines, lcovOf() each line", () => {
  const files = linesOf(PROBES, PLACES, Uint8Array.of(1, 1, 0, 1, 0, 0));
  expect(tableOf(files)).toContain("1/3 (33.3 %)");
  expect(tableOf(files)).toContain("  4-5");
  expect(lcovOf(files)).toContain("DA:3,1\nDA:4,0\nDA:5,0\nLF:3\nLH:1\nend_of_record");
});

test("percentOfLines() is that of all files together", () => {
  const files = linesOf(PROBES, PLACES, Uint8Array.of(1, 1, 1, 1, 0, 0));
  expect(percentOfLines(files)).toBeCloseTo(66.7, 1);
  expect(percentOfLines([])).toBe(0);
});

test("merge() keeps what was reached in either", () => {
  const marks = Uint8Array.of(0, 1, 0);
  merge(marks, Uint8Array.of(0, 0, 1));
  expect([...marks]).toEqual([0, 1, 1]);
});
