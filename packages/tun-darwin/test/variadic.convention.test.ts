// needs root: the last test makes a network interface
// Code compiled for Apple's arm64 is called by the real arm64 Bun: a plain declaration does not reach its variadic
// argument, the driver's padded one does. Where qemu-aarch64-static, aarch64-linux-gnu-gcc or Bun's arm64 build cannot
// be had, only the code itself is looked at, and the run says so.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileKernel, TestNamespace } from "@bunnel/bsd/proof";
import { ARM_GCC, armBun } from "./arm64/arm-bun.ts";
import { darwinKernelOptions } from "./darwin-kernel.ts";

/** An emulated processor starts slowly where others want the real one, too. */
const EMULATED_LIMIT_MS = 150_000;
const FOLDER = join(import.meta.dirname, "arm64");

interface Report {
  readonly arch: string;
  readonly ioctl: Readonly<Record<string, boolean>>;
  readonly fcntl: Readonly<Record<string, boolean>>;
  readonly chosen: { readonly ofApple: string; readonly ofPlainFirst: string };
  readonly hotMismatches: number;
}

const bun = armBun();
const folder = mkdtempSync(join(tmpdir(), "bunnel-arm64-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the callees take their variadic argument from the stack, as clang made them", () => {
  const source = readFileSync(join(FOLDER, "apple-variadic.s"), "utf8");
  const code = source.slice(source.indexOf("\nioctl:"), source.indexOf("\tret"));
  // What was sp when the function was entered is sp + 16 behind the first instruction.
  expect(code).toMatch(/sub\tsp, sp, #16\n\tldr\tw8, \[sp, #16\]!/);
  expect(code).not.toMatch(/[xw]2\b/);
});

if (typeof bun === "string") console.log(`calling convention: not run, ${bun} is missing`);
else describe("the arm64 Bun", () => armTests(bun));

function armTests(command: readonly string[]): void {
  let report: Report;
  beforeAll(() => {
    const library = join(folder, "callees.so");
    const sources = ["apple-variadic.s", "stubs.c"].map((name) => join(FOLDER, name));
    const compiled = Bun.spawnSync([ARM_GCC, "-shared", "-fPIC", "-O1", ...sources, "-o", library]);
    if (compiled.exitCode !== 0) throw new Error(`the callees did not compile: ${compiled.stderr.toString()}`);
    const { stdout, stderr, exitCode } = Bun.spawnSync([...command, join(FOLDER, "probe.ts"), library]);
    if (exitCode !== 0) throw new Error(`the probe failed: ${stderr.toString()}`);
    report = JSON.parse(stdout.toString()) as Report;
  }, EMULATED_LIMIT_MS);

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

  test(
    "the whole driver opens a device by it, sets both addresses, and answers pings of both families",
    async () => {
      using namespace = TestNamespace.create();
      const library = compileKernel(darwinKernelOptions({ variadic: "stack", compiler: ARM_GCC }));
      const words = [...command, join(FOLDER, "open-device.ts"), library];
      const run = namespace.run(() => Bun.spawn(words, { stdout: "pipe", stderr: "pipe" }));
      const [text, errors] = await Promise.all([new Response(run.stdout).text(), new Response(run.stderr).text()]);
      expect({ exitCode: await run.exited, errors }).toEqual({ exitCode: 0, errors: "" });
      expect(JSON.parse(text)).toMatchObject({
        arch: "arm64",
        convention: "padded",
        naive: expect.stringMatching(/^E_DEVICE_/) as string,
        link: { ifname: "utun7", mtu: 1400, addr_info: [{ local: "192.0.2.1" }, { local: "2001:db8::1" }] },
        ipv4: 3,
        ipv6: 3,
      });
    },
    EMULATED_LIMIT_MS,
  );
}
