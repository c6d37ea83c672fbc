// Importing this package is harmless anywhere, and nothing in it starts a process.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { traceCalls } from "@bunnel/ffi";

const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".ts") && !file.endsWith(".test.ts"),
);

test("importing opens no library and calls nothing", async () => {
  const calls: string[] = [];
  traceCalls((name) => calls.push(name));
  const module = await import("./index.ts");
  traceCalls(undefined);
  expect(calls).toEqual([]);
  expect(module.WINDOWS_CAPABILITIES.platform).toBe("win32");
  const { exitCode, stderr } = Bun.spawnSync([
    process.execPath,
    "-e",
    `import ${JSON.stringify(import.meta.resolve("./index.ts"))}`,
  ]);
  expect([exitCode, stderr.toString()]).toEqual([0, ""]);
});

test("no source starts a process: what other programs do, system calls do here", () => {
  expect(sources.length).toBeGreaterThan(20);
  for (const file of sources) {
    expect([
      file,
      /child_process|Bun\.(spawn|\$)|netsh/.exec(readFileSync(join(import.meta.dirname, file), "utf8")),
    ]).toEqual([file, null]);
  }
});
