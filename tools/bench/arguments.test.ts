import { describe, expect, test } from "bun:test";
import { readArguments } from "./arguments.ts";

describe("readArguments", () => {
  test("runs everything when nothing is said", () => {
    expect(readArguments([])).toEqual({
      suites: ["engine", "forward", "service", "stream"],
      rounds: undefined,
      filter: "",
      json: false,
    });
  });

  test("takes suites in their own order, a number of rounds, a filter and the form", () => {
    expect(readArguments(["service", "engine", "--rounds", "3", "--filter", "TCP", "--json"])).toEqual({
      suites: ["engine", "service"],
      rounds: 3,
      filter: "TCP",
      json: true,
    });
  });

  test("takes all for every suite", () => {
    expect(readArguments(["all"]).suites).toHaveLength(4);
  });

  test("refuses a suite that there is not", () => {
    expect(() => readArguments(["engines"])).toThrow(
      "suite: expected engine, forward, service, stream or all, found engines",
    );
  });

  test.each(["0", "1.5", "many", "101"])("refuses --rounds %s", (rounds) => {
    expect(() => readArguments(["--rounds", rounds])).toThrow(`--rounds: expected 1..100, found ${rounds}`);
  });

  test("refuses an option that there is not", () => {
    expect(() => readArguments(["--round", "3"])).toThrow();
  });
});
