import { expect, test } from "bun:test";
import fc from "fast-check";
import { indexAt, positionAt } from "./position.ts";

test("positionAt() counts lines and columns from 1", () => {
  const text = "ab\n\r\ncd";
  expect([0, 2, 3, 5, 7].map((index) => positionAt(text, index))).toEqual([
    { line: 1, column: 1 },
    { line: 1, column: 3 },
    { line: 2, column: 1 },
    { line: 3, column: 1 },
    { line: 3, column: 3 },
  ]);
});

test("indexAt() undoes positionAt() at every place of every text", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "\n", "\r\n", "é")), (parts) => {
      const text = parts.join("");
      for (let index = 0; index <= text.length; index += 1) expect(indexAt(text, positionAt(text, index))).toBe(index);
    }),
  );
});
