import { describe, expect, test } from "bun:test";
import { isWithin, pairedRowOf, rowOf, type Budget } from "./row.ts";
import { figure, tableOf } from "./table.ts";

const LABEL = { suite: "engine", name: "parse", against: "C -O3", unit: "ns" };

describe("tableOf", () => {
  test("aligns words to the left and numbers to the right", () => {
    const rows = [
      rowOf({ ...LABEL, budget: { of: "ratio", atMost: 1.25 } }, [10, 10], [12, 13]),
      rowOf({ ...LABEL, name: "parse + key", budget: { of: "ratio", atMost: 1.25 } }, [100], [150]),
      rowOf({ ...LABEL, name: "memory", unit: "MB", against: "nothing" }, [0], [83.25]),
    ];
    expect(tableOf("engine", rows)).toBe(
      [
        "engine",
        "               against  unit  reference  ours  ratio    min..max   budget",
        "  parse        C -O3    ns         10.0  12.5  1.250  1.20..1.30  <= 1.25  kept",
        "  parse + key  C -O3    ns          100   150  1.500  1.50..1.50  <= 1.25  MISSED",
        "  memory       nothing  MB         0.00  83.3",
        "",
      ].join("\n"),
    );
  });

  test("has a column for the interval of paired rounds where a row has one", () => {
    const rows = [rowOf(LABEL, [10], [12]), pairedRowOf({ ...LABEL, name: "bulk" }, [10, 10, 10], [9, 10, 11])];
    expect(tableOf("", rows)).toBe(
      [
        "",
        "         against  unit  reference  ours  ratio        95 %    min..max  budget",
        "  parse  C -O3    ns         10.0  12.0  1.200              1.20..1.20",
        "  bulk   C -O3    ns         10.0  10.0  1.000  0.90..1.10  0.90..1.10",
        "",
      ].join("\n"),
    );
  });

  test("says a budget for a difference with its unit", () => {
    const row = rowOf({ ...LABEL, budget: { of: "difference", atMost: 5 } }, [1], [2]);
    expect(tableOf("", [row])).toContain("+<= 5 ns  kept");
  });
});

describe("figure", () => {
  test.each([
    [1234.56, "1235"],
    [99.94, "99.9"],
    [9.876, "9.88"],
    [-123.4, "-123"],
    [0, "0.00"],
  ])("%d as %s", (value, text) => {
    expect(figure(value)).toBe(text);
  });
});

describe("isWithin", () => {
  const within = (budget: Budget | undefined, reference: number, ours: number) =>
    isWithin(rowOf(budget === undefined ? LABEL : { ...LABEL, budget }, [reference], [ours]));

  test("says nothing of a row without a budget", () => {
    expect(within(undefined, 1, 100)).toBeUndefined();
  });

  test("holds a ratio to both kinds of bounds, the bound included", () => {
    expect(within({ of: "ratio", atMost: 1.25 }, 100, 125)).toBe(true);
    expect(within({ of: "ratio", atMost: 1.25 }, 100, 126)).toBe(false);
    expect(within({ of: "ratio", atLeast: 0.5 }, 100, 50)).toBe(true);
    expect(within({ of: "ratio", atLeast: 0.5 }, 100, 49)).toBe(false);
  });

  test("holds a difference to its bound", () => {
    expect(within({ of: "difference", atMost: 100 }, 34, 134)).toBe(true);
    expect(within({ of: "difference", atMost: 100 }, 34, 135)).toBe(false);
  });
});
