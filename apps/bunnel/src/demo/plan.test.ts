import { expect, test } from "bun:test";
import { CENSOR_NAMES } from "@bunnel/lab";
import { parseStrategy } from "@bunnel/profile";
import { demoPlan, WITHOUT } from "./plan.ts";

test("demoPlan() shows every censor that there is", () => {
  const columns = demoPlan(3, false).columns.map(({ censor }) => censor);
  expect(columns).toEqual(CENSOR_NAMES.filter((name) => columns.includes(name)));
  expect(columns).toHaveLength(7);
  expect(columns.at(-1)).toBe("strict");
});

test("demoPlan() begins without bunnel and has a strategy in the notation for all else", () => {
  for (const quick of [false, true]) {
    const [first, ...others] = demoPlan(3, quick).techniques;
    expect(first).toEqual({ title: WITHOUT, strategy: undefined });
    expect(others.length).toBeGreaterThan(2);
    for (const { strategy } of others) expect(() => parseStrategy(strategy ?? "")).not.toThrow();
  }
});

test("demoPlan() gives decoys the hop limit that was measured", () => {
  const texts = demoPlan(7, false).techniques.map(({ strategy }) => strategy ?? "");
  expect(texts.some((text) => text.includes("ttl=7"))).toBe(true);
});
