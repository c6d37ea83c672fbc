import { describe, expect, test } from "bun:test";
import { anyOf, nearest, shown, suggestion } from "./wording.ts";

describe("nearest()", () => {
  const words = ["split", "disorder", "fake", "midsld", "endsld"];
  test.each([
    ["spilt", "split"],
    ["plit", "split"],
    ["splitt", "split"],
    ["DISORDER", "disorder"],
    ["disodrer", "disorder"],
    ["mid", "midsld"],
    ["fqke", "fake"],
  ])("finds for %j the word %j", (typed, word) => {
    expect(nearest(typed, words)).toBe(word);
  });

  test.each(["", "x", "fk", "seqovl", "splendid", "mi"])("finds nothing for %j", (typed) => {
    expect(nearest(typed, words)).toBeUndefined();
  });

  test("finds for a word that is right that word", () => {
    for (const word of words) expect(nearest(word, words)).toBe(word);
  });

  test("does not take one letter for another", () => {
    expect(nearest("x", ["y"])).toBeUndefined();
    expect(suggestion("x", ["y"])).toBe("");
  });
});

test("anyOf() puts commas and one or", () => {
  expect([[], ["a"], ["a", "b"], ["a", "b", "c"]].map(anyOf)).toEqual(["", "a", "a or b", "a, b or c"]);
});

test("shown() shows every kind of value short and on one line", () => {
  const values = [undefined, "", "a\nb", "x".repeat(61), 1.5, Number.NaN, true, [1], {}, new Date(0)];
  expect(values.map(shown)).toEqual([
    "nothing",
    "an empty text",
    '"a\\nb"',
    `"${"x".repeat(60)}…"`,
    "1.5",
    "NaN",
    "true",
    "a list",
    "a table",
    "a date",
  ]);
});
