// Code compiled for Apple's arm64 is called by the real arm64 Bun: a plain declaration does not reach its variadic
// argument, the driver's padded one does. Where qemu-aarch64-static, aarch64-linux-gnu-gcc or Bun's arm64 build cannot
// be had, only the code itself is looked at, and the run says so.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const QEMU = "qemu-aarch64-static";
const GCC = "aarch64-linux-gnu-gcc";
const SYSROOT = "/usr/aarch64-linux-gnu";
const FOLDER = join(import.meta.dirname, "arm64");
const PACKAGE = "@oven/bun-linux-aarch64";

interface Report {
  readonly arch: string;
  readonly ioctl: Readonly<Record<string, boolean>>;
  readonly fcntl: Readonly<Record<string, boolean>>;
  readonly chosen: { readonly ofApple: string; readonly ofPlainFirst: string };
  readonly hotMismatches: number;
}

/** Bun for arm64 in the version that runs this; undefined where it cannot be had. Kept for the next run. */
function armBun(): string | undefined {
  const folder = join(tmpdir(), `bunnel-arm64-bun-${Bun.version}`);
  const path = join(folder, "node_modules", PACKAGE, "bin", "bun");
  if (existsSync(path)) return path;
  const fresh = mkdtempSync(`${folder}-`);
  writeFileSync(join(fresh, "package.json"), "{}");
  const words = ["install", "--os", "linux", "--cpu", "arm64", "--ignore-scripts", "--no-save"];
  Bun.spawnSync([process.execPath, ...words, `${PACKAGE}@${Bun.version}`], { cwd: fresh });
  if (existsSync(join(fresh, "node_modules", PACKAGE, "bin", "bun"))) {
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
    return path;
  }
  rmSync(fresh, { recursive: true, force: true });
  return undefined;
}

const hasTools = Bun.which(QEMU) !== null && Bun.which(GCC) !== null;
const bun = hasTools ? armBun() : undefined;
const folder = mkdtempSync(join(tmpdir(), "bunnel-arm64-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the callees take their variadic argument from the stack, as clang made them", () => {
  const source = readFileSync(join(FOLDER, "apple-variadic.s"), "utf8");
  const code = source.slice(source.indexOf("\nioctl:"), source.indexOf("\tret"));
  // What was sp when the function was entered is sp + 16 behind the first instruction.
  expect(code).toMatch(/sub\tsp, sp, #16\n\tldr\tw8, \[sp, #16\]!/);
  expect(code).not.toMatch(/[xw]2\b/);
});

if (bun === undefined)
  console.log(`calling convention: not run, ${hasTools ? PACKAGE : `${QEMU} or ${GCC}`} is missing`);
else describe("the arm64 Bun calls code for Apple's arm64", () => armTests(bun));

function armTests(bunPath: string): void {
  let report: Report;
  beforeAll(() => {
    const library = join(folder, "callees.so");
    const sources = ["apple-variadic.s", "stubs.c"].map((name) => join(FOLDER, name));
    const compiled = Bun.spawnSync([GCC, "-shared", "-fPIC", "-O1", ...sources, "-o", library]);
    if (compiled.exitCode !== 0) throw new Error(`the callees did not compile: ${compiled.stderr.toString()}`);
    const command = [QEMU, "-L", SYSROOT, bunPath, join(FOLDER, "probe.ts"), library];
    const { stdout, stderr, exitCode } = Bun.spawnSync(command);
    if (exitCode !== 0) throw new Error(`the probe failed: ${stderr.toString()}`);
    report = JSON.parse(stdout.toString()) as Report;
  });

  test("it is arm64 code", () => {
    expect(report.arch).toBe("arm64");
  });
  test("ioctl: a plain declaration does not reach the argument, the padded one and the stub do", () => {
    expect(report.ioctl).toEqual({ plain: false, padded: true, stubs: true });
  });
  test("fcntl: a plain declaration does not reach the argument, the padded one and the stub do", () => {
    expect(report.fcntl).toEqual({ plain: false, padded: true, stubs: true });
  });
  test("the driver's probe takes the padded declaration, and passes over one that does not reach", () => {
    expect(report.chosen).toEqual({ ofApple: "padded", ofPlainFirst: "stubs" });
  });
  test("50 000 calls in a row, compiled hot, all arrive", () => {
    expect(report.hotMismatches).toBe(0);
  });
}
