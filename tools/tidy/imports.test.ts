import { describe, expect, test } from "bun:test";
import { importsOf } from "./imports.ts";

describe("importsOf()", () => {
  test.each([
    ["names", 'import { a, b } from "x";'],
    ["names over several lines", 'import {\n  a,\n  b,\n} from "x";'],
    ["types", 'import type { A } from "x";'],
    ["everything", 'import * as a from "x";'],
    ["a side effect", 'import "x";'],
    ["a re-export", 'export * from "x";'],
    ["a re-export of types", 'export type { A } from "x";'],
    ["a dynamic import", 'const a = await import("x");'],
    ["an import inside a type", 'let a: import("x").A;'],
    ["require", 'const a = require("x");'],
    ["resolve", 'import.meta.resolve("x");'],
    ["attributes", 'import a from "x" with { type: "file" };'],
  ])("finds %s", (_, source) => {
    expect(importsOf(source).map(({ specifier }) => specifier)).toEqual(["x"]);
  });

  test("tells the line where the specifier stands", () => {
    expect(importsOf('\nimport {\n  a,\n} from "x";\nimport "y";\n')).toEqual([
      { specifier: "x", line: 4 },
      { specifier: "y", line: 5 },
    ]);
  });

  test.each([
    ["a comment", '// import { a } from "x";'],
    ["a string", "const a = 'import \"x\"';"],
    ["a template", 'const a = `import "x";`;'],
    ["an exported value", 'export const from = "x";'],
  ])("finds nothing in %s", (_, source) => {
    expect(importsOf(source)).toEqual([]);
  });
});
