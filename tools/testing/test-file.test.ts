import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTestFile } from "./test-file.ts";

describe("runTestFile()", () => {
  let root = "";
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "bunnel-test-file-"));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  const run = async (body: string, limitMs = 30_000) => {
    writeFileSync(join(root, "a.test.ts"), `import { test } from "bun:test";\n${body}\n`);
    return await runTestFile(root, "a.test.ts", limitMs);
  };

  test("counts what passed, failed and was left out", async () => {
    const result = await run(`
      test("a", () => {});
      test("b", () => { throw new Error("b"); });
      test.skipIf(true)("c", () => {});`);
    expect(result).toMatchObject({ passed: 1, failed: 1, skipped: 1, fault: undefined, skippedNames: ["c"] });
    expect(result.output).toContain("error: b");
  });

  test("counts a crash as one failure", async () => {
    const result = await run(`test("a", () => { process.kill(process.pid, "SIGSEGV"); });`);
    expect(result).toMatchObject({ passed: 0, failed: 1 });
    expect(result.fault).toStartWith("crashed");
  });

  test("counts a file that cannot be loaded as one failure", async () => {
    const result = await run(`import "./missing.ts";`);
    expect(result).toMatchObject({ passed: 0, failed: 1 });
    expect(result.fault).toStartWith("could not be loaded");
  });

  test("counts a file without a test as one failure", async () => {
    expect(await run("")).toMatchObject({ passed: 0, failed: 1, fault: "has no test in it" });
  });

  test("ends a file that hangs, and what it started", async () => {
    const marker = join(root, "started");
    const script = `echo $$ > ${marker}; sleep 600 & wait`;
    const body = `test("a", async () => { await Bun.spawn(["sh", "-c", ${JSON.stringify(script)}]).exited; });`;
    const result = await run(body, 1_500);
    expect(result).toMatchObject({ failed: 1, fault: "did not end within 1.5 s and was ended" });
    const child = Number(await Bun.file(marker).text());
    expect(await isGone(child)).toBe(true);
  });
});

/** The kernel ends a process some time after the signal; its parent may look later still. */
async function isGone(pid: number): Promise<boolean> {
  for (let turn = 0; turn < 500; turn++) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await Bun.sleep(10);
  }
  return false;
}
