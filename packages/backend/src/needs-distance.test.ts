import { describe, expect, test } from "bun:test";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { needsDistance } from "./needs-distance.ts";

function tableOf(...strategies: readonly string[]): Uint8Array {
  const rules = strategies.map((strategy, i) => `[[rule]]\nname = "rule ${i}"\nstrategy = "${strategy}"\n`);
  return encodeRules(parseProfile(rules.length === 0 ? "rule = []" : rules.join("")));
}

describe("needsDistance()", () => {
  test("is false for rules whose hop limits stand in them", () => {
    expect(needsDistance(tableOf())).toBe(false);
    expect(needsDistance(tableOf("pass"))).toBe(false);
    expect(needsDistance(tableOf("tls: fake(ttl=4) split(1) disorder", "http: fake(badsum)"))).toBe(false);
    // Every other number that may stand where the foolings stand or beside them.
    expect(needsDistance(tableOf("tls: fake(ttl=128) split(128)", "tls: fake(ts, md5sig, badseq, badsum)"))).toBe(
      false,
    );
  });

  test("is true when one operation of many takes it from the distance", () => {
    expect(needsDistance(tableOf("http: split(1) split(2)", "tls: split(1) fake(ttl=auto-1) disorder"))).toBe(true);
    expect(needsDistance(tableOf("tls: fake(ttl=auto-1)", "http: split(1)"))).toBe(true);
  });

  test("is false for a rule that is switched off", () => {
    const text = '[[rule]]\nname = "a"\nenabled = false\nstrategy = "tls: fake(ttl=auto-1)"\n';
    expect(needsDistance(encodeRules(parseProfile(text)))).toBe(false);
  });

  test("reads a table where it lies", () => {
    const table = tableOf("tls: fake(ttl=auto-1) split(1)");
    const shifted = new Uint8Array(table.length + 3);
    shifted.set(table, 3);
    expect(needsDistance(shifted.subarray(3))).toBe(true);
  });
});
