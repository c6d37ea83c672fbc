// Importing a driver opens nothing, on any system.
import { expect, test } from "bun:test";
import { dirname } from "node:path";

/** @param name of the package, and `index` the path of what it exports */
export function importsHarmlessly(name: string, index: string): void {
  const withoutLibraries = `
    import { mock } from "bun:test";
    const ffi = await import("bun:ffi");
    mock.module("bun:ffi", () => ({ ...ffi, dlopen() { throw new Error("a library was opened"); } }));
    const driver = await import(${JSON.stringify(index)});
    console.log(Object.keys(driver).length > 0 ? "imported" : "empty");
  `;

  test(`importing ${name} opens no library`, () => {
    const command = [process.execPath, "-e", withoutLibraries];
    const { stdout, stderr } = Bun.spawnSync(command, { cwd: dirname(dirname(index)) });
    expect(stderr.toString()).toBe("");
    expect(stdout.toString().trim()).toBe("imported");
  });
}
