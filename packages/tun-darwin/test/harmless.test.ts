// Importing the driver opens nothing, on any system.
import { expect, test } from "bun:test";
import { join } from "node:path";

const INDEX = join(import.meta.dirname, "../src/index.ts");
const WITHOUT_LIBRARIES = `
import { mock } from "bun:test";
const ffi = await import("bun:ffi");
mock.module("bun:ffi", () => ({ ...ffi, dlopen() { throw new Error("a library was opened"); } }));
const driver = await import(${JSON.stringify(INDEX)});
console.log(Object.keys(driver).length > 0 ? "imported" : "empty");
`;

test("importing @bunnel/tun-darwin opens no library", () => {
  const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", WITHOUT_LIBRARIES], {
    cwd: join(import.meta.dirname, ".."),
  });
  expect(stderr.toString()).toBe("");
  expect(stdout.toString().trim()).toBe("imported");
});

test("opening it where its library is not says so with a code", async () => {
  const { openDarwinTun } = await import("../src/index.ts");
  const open = () => openDarwinTun({}, { libraries: ["/nowhere/libSystem.B.dylib"] });
  expect(open).toThrow("library not found");
});
