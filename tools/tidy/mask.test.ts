import { describe, expect, test } from "bun:test";
import { mask } from "./mask.ts";

describe("mask()", () => {
  test.each([
    ["a line comment", "a; // b 'c'\nd;", "a;         \nd;"],
    ["a block comment", "a; /* b\n* c */ d;", "a;     \n       d;"],
    ["strings with quotes inside", `a("it's", 'b\\'c');`, `a(      ,       );`],
    ["a comment that stands in a string", `a("// b"); c;`, `a(      ); c;`],
    ["a template with code inside", "a(`b ${c} d ${`e`} f`);", "a(     c             );"],
    ["a template with an object inside", "`${f({ a: {} })}` + g;", "   f({ a: {} })   + g;"],
    ["a regular expression with quotes", `a = /["'/]+/g; b;`, `a =          ; b;`],
    ["a division", "a = b / c / d;", "a = b / c / d;"],
    ["a division after a bracket", `a = (b) / 2; c("/");`, `a = (b) / 2; c(   );`],
  ])("blanks %s and keeps every place", (_, source, bare) => {
    expect(mask(source).bare).toBe(bare);
  });

  test("keeps strings where only comments are unwanted", () => {
    expect(mask(`import "a"; // "b"`).code).toBe(`import "a";       `);
  });
});
