// The second opinion: the shipped engine turned to C by wasm2c, searched by libFuzzer. Needs clang and libsimde-dev,
// which the test run installs.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { buildNative, type NativeFuzzer, runNative } from "@bunnel/tools/fuzz";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const RUNS = 100_000;
/** Of 3800; the rest is mostly bounds checks that never fail. */
const EDGES_MIN = 800;

describe("wasm2c and libFuzzer", () => {
  const failures = mkdtempSync(join(tmpdir(), "bunnel-native-"));
  let fuzzer: NativeFuzzer;
  beforeAll(() => {
    fuzzer = buildNative();
  }, 120_000);
  afterAll(() => rmSync(failures, { recursive: true, force: true }));

  test(`${RUNS} executions break nothing`, async () => {
    const found = await runNative(fuzzer, { runs: RUNS }, failures);
    expect(found.failure).toBeUndefined();
    expect(found.executions).toBeGreaterThanOrEqual(RUNS);
    expect(found.edges).toBeGreaterThan(EDGES_MIN);
  });

  test("a checksum that is told of one octet too many is caught, and its input is kept", async () => {
    const found = await runNative({ program: fuzzer.planted, seeds: fuzzer.seeds }, { runs: RUNS }, failures);
    expect(found.failure).toContain("trap 1");
    expect(readdirSync(failures).length).toBeGreaterThan(0);
  });
});
