import { expect, test } from "bun:test";
import { failures } from "./failures.ts";

test("failures() keeps what stands before a failing test, and nothing of those that passed", () => {
  const output = [
    "words",
    "(pass) a",
    "error: expected 1",
    "  at x.ts:1",
    "(fail) b [2ms]",
    "(skip) c",
    "(pass) d",
    " 1 fail",
  ];
  expect(failures(output.join("\n"))).toBe("error: expected 1\n  at x.ts:1\n(fail) b [2ms]");
});

test("failures() keeps forty lines of a failure", () => {
  const output = [...Array.from({ length: 60 }, (_, line) => `line ${line}`), "(fail) b"].join("\n");
  expect(failures(output).split("\n")).toEqual([
    ...Array.from({ length: 40 }, (_, line) => `line ${line + 20}`),
    "(fail) b",
  ]);
});

test("failures() keeps the last lines where no test is named", () => {
  const output = Array.from({ length: 30 }, (_, line) => `line ${line}`).join("\n");
  expect(failures(output).split("\n")).toEqual(Array.from({ length: 20 }, (_, line) => `line ${line + 10}`));
});
