import { expect, test } from "bun:test";
import { lex } from "./lexer.ts";

test("lex() keeps names and points with offsets whole, and knows where each token starts", () => {
  const tokens = lex("tls: split(midsld-2,\n1)");
  expect(tokens.map(({ text, index }) => [text, index])).toEqual([
    ["tls", 0],
    [":", 3],
    ["split", 5],
    ["(", 10],
    ["midsld-2", 11],
    [",", 19],
    ["1", 21],
    [")", 22],
    ["", 23],
  ]);
  expect(tokens.at(-1)?.kind).toBe("end");
});

test("lex() makes one word of characters that nobody knows", () => {
  expect(lex("é\u0000*! x").map(({ kind, text }) => `${kind} ${text}`)).toEqual(["word é\u0000*!", "word x", "end "]);
});
