import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { WORKERS } from "./compile.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const STARTED = /new (?:Worker|SpareThread)\(new URL\("(\.\/[^"]+)"/gu;
/** A suite for drivers, which no program starts. */
const SUITE = "packages/device/src/conformance/";

test("every Worker that the program's sources start is an entry point of the executable, by a name of its own", () => {
  const files = [...new Bun.Glob("{apps,packages}/*/src/**/*.ts").scanSync({ cwd: ROOT })];
  const started = files
    .filter((file) => !file.endsWith(".test.ts") && !file.startsWith(SUITE) && !file.includes("node_modules"))
    .flatMap((file) => {
      const text = readFileSync(join(ROOT, file), "utf8");
      return [...text.matchAll(STARTED)].map(([, path = ""]) => join(dirname(file), path));
    });
  expect([...new Set(started)].toSorted()).toEqual(WORKERS.toSorted());
  expect(new Set(WORKERS.map((path) => basename(path))).size).toBe(WORKERS.length);
});
