import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { decodePacket, tcpPacket, verifyChecksums } from "@bunnel/wire";
import { LONG_SHARES, readArguments } from "./arguments.ts";
import { fuzz, runCase } from "./fuzz.ts";
import { type FuzzInput, parseInput, printInput } from "./input.ts";
import { plantedBug } from "./planted-bug.ts";
import { repair } from "./repair.ts";
import { addRun, printRows, readRows, type RunRow } from "./run-report.ts";
import { seedsOf } from "./seeds-by-target.ts";
import { TARGET_NAMES } from "./targets.ts";

function inputOf(octets: Uint8Array): FuzzInput {
  const packets = [{ gapMs: 0, header: new Uint8Array(), octets }];
  return { options: new Uint8Array(), table: new Uint8Array(), packets };
}

describe("fuzz()", () => {
  test("finds a planted read past the end from a seed that knows nothing of it, and makes it small", async () => {
    const target = await plantedBug();
    const found = fuzz(target, { seed: 1, seeds: [inputOf(new Uint8Array(40))], executions: 200_000, failuresMax: 1 });
    const [failure] = found.failures;
    expect(failure?.message).toContain("RuntimeError");
    const octets = failure?.input.packets[0]?.octets ?? new Uint8Array();
    expect([...octets.subarray(0, 3)]).toEqual([22, 3, octets.length]);
    expect(failure === undefined ? undefined : runCase(target, failure.input)).toBe(failure?.message);
  });

  test("does not find it without the guidance of the probes", async () => {
    const target = await plantedBug();
    const blind = { ...target, counters: new Uint8Array(4), run: target.run.bind(target) };
    const found = fuzz(blind, { seed: 1, seeds: [inputOf(new Uint8Array(40))], executions: 2000 });
    expect(found.failures).toEqual([]);
    expect(found.edges).toBe(0);
  });
});

test("printInput() is read back by parseInput()", () => {
  for (const input of seedsOf("poll")) expect(parseInput(printInput(input))).toEqual(input);
});

test("parseInput() refuses a line that it does not know", () => {
  expect(() => parseInput("packets 00")).toThrow("fuzz input: expected options, table or packet, found packets");
});

test("repair() makes lengths and checksums right", () => {
  const packet = tcpPacket({
    ...{ source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 },
    payload: Uint8Array.of(1, 2, 3, 4),
  });
  const damaged = Uint8Array.from([...packet, 5]);
  damaged[10] = 0xff;
  const fixed = repair(damaged);
  expect(verifyChecksums(fixed)).toEqual({ ip: true, transport: true });
  expect(decodePacket(fixed).payload).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
});

describe("readArguments()", () => {
  test("searches everything for half a minute when nothing is said", () => {
    const expected = { targets: TARGET_NAMES, seconds: 30, executions: Infinity, seed: 1, keep: false, isLong: false };
    expect(readArguments([])).toEqual(expected as unknown as ReturnType<typeof readArguments>);
  });

  test("takes a target and its limits", () => {
    const words = ["poll", "--executions", "5", "--seed", "7", "--keep"];
    const chosen = readArguments(words);
    expect(chosen.targets).toEqual(["poll"]);
    expect(chosen).toMatchObject({ seconds: Infinity, executions: 5, seed: 7, keep: true });
  });

  test("a long run has its number of executions and its report", () => {
    expect(readArguments(["--long"])).toMatchObject({ isLong: true, executions: 1e8, report: "docs/fuzz-runs.md" });
    expect(Object.values(LONG_SHARES).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
  });

  test.each(["polls", "--seed=0", "--seconds=soon"])("refuses %s", (word) => {
    expect(() => readArguments([word])).toThrow(RangeError);
  });
});

const ROOT = dirname(dirname(import.meta.dirname));

test.each([
  ["tools/fuzz/native/main.ts", "--seconds", "soon"],
  ["test/engine/long.ts", "--plans", "many"],
  ["test/engine/long.ts", "--plans", "0"],
  ["test/engine/long.ts", "--build", "best"],
])("%s refuses %s %s, for a run of no length would look as if all were well", (file, option, value) => {
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, join(ROOT, file), option, value]);
  expect(exitCode).toBe(1);
  expect(stderr.toString()).toContain(`${option}: expected `);
});

describe("run report", () => {
  const run: RunRow = {
    ...{ date: "2026-11-21", commit: "0123abcdef", engine: "00ff00ff00ff", target: "parse" },
    ...{ executions: 1000, seconds: 2, edges: 70, probes: 2400, traps: 0, brokenLaws: 0 },
  };

  test("printRows() is read back by readRows(), which leaves the sums out", () => {
    const rows = [run, { ...run, target: "poll", executions: 5, edges: 900, brokenLaws: 1 }];
    const text = printRows(rows);
    expect(text).toContain("| all | 1005 | 4 | 900 of 2400 | 0 | 1 |");
    expect(readRows(`text before\n\n${text}\n`)).toEqual(rows);
  });

  test("addRun() adds to the row of the same target and build, and begins one for another build", () => {
    const path = join(mkdtempSync(join(tmpdir(), "bunnel-fuzz-")), "runs.md");
    addRun(path, run);
    const rows = addRun(path, { ...run, edges: 60 });
    expect(rows).toEqual([{ ...run, executions: 2000, seconds: 4 }]);
    expect(addRun(path, { ...run, engine: "ffffffffffff" })).toHaveLength(2);
    rmSync(dirname(path), { recursive: true });
  });
});
