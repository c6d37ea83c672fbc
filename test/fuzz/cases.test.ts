// Inputs that once broke the engine, for ever.
import { describe, expect, test } from "bun:test";
import { readInputs, runCase, TARGET_NAMES, targetOf } from "@bunnel/tools/fuzz";
import { join } from "node:path";
import { KNOWN } from "./known.ts";

const folder = join(import.meta.dirname, "cases");

describe.each(TARGET_NAMES)("cases of %s", (name) => {
  for (const [file, input] of readInputs(folder, name)) {
    const known = KNOWN.get(file);
    test(known === undefined ? `${file} breaks nothing` : `${file} is known to break a law`, async () => {
      expect(runCase(await targetOf(name), input)).toBe(known);
    });
  }
});

test("what is known to break is among the cases", () => {
  const files = TARGET_NAMES.flatMap((name) => [...readInputs(folder, name).keys()]);
  expect(files).toEqual(expect.arrayContaining([...KNOWN.keys()]));
});
