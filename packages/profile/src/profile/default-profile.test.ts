import { describe, expect, test } from "bun:test";
import { parse } from "smol-toml";
import { printStrategy } from "../notation/printer.ts";
import { PRESETS } from "../presets.ts";
import { defaultProfile, defaultProfileText } from "./default-profile.ts";
import { parseProfile } from "./parse.ts";
import { KEYS } from "./schema.ts";

describe("defaultProfileText()", () => {
  test("is the default profile", () => {
    expect(parseProfile(defaultProfileText())).toEqual(defaultProfile());
  });

  test("lists every key that a profile can have, once, and a comment for what needs one", () => {
    const text = defaultProfileText();
    const { rule, ...sections } = parse(text);
    const listed = Object.entries(sections).flatMap(([name, section]) =>
      typeof section === "object" ? [name, ...Object.keys(section)] : [name],
    );
    const [first] = Array.isArray(rule) ? rule : [];
    expect([...listed, "rule", ...Object.keys(first ?? {})].toSorted()).toEqual(Object.values(KEYS).flat().toSorted());
    expect(Array.isArray(rule) && rule.length).toBe(1);
  });

  test("shows payloads in its comments that parse", () => {
    const lines = [...defaultProfileText().matchAll(/^# {3}(\w+ = "(?:file|hex):.*?")/gm)].map(([, line]) => line);
    expect(lines).toHaveLength(2);
    const { payloads } = parseProfile(`[payload]\n${lines.join("\n")}`, { load: () => Uint8Array.of(1) });
    expect(Object.values(payloads).map(({ hex }) => hex)).toEqual(["01", "00ff00ff"]);
  });

  test("names every preset", () => {
    for (const { name } of PRESETS) expect(defaultProfileText()).toContain(`"preset:${name}"`);
  });

  test("shows in its comment a strategy that parses", () => {
    const [, strategy = ""] = /^# {3}"(tls:.*)"\.$/m.exec(defaultProfileText()) ?? [];
    const text = `[[rule]]\nname = "a"\nstrategy = '${strategy}'`;
    expect(printStrategy(parseProfile(text).rules[0]?.strategy ?? { clauses: [] })).toBe(strategy);
  });
});

test("defaultProfile() has one rule for any host, with no fake in it", () => {
  const [rule, ...more] = defaultProfile().rules;
  expect(more).toEqual([]);
  expect(rule).toMatchObject({
    ...{ enabled: true, hosts: [], addresses: [], ports: [], families: ["ipv4", "ipv6"], direction: "both" },
  });
  expect(rule).not.toHaveProperty("packets");
  expect(printStrategy(rule?.strategy ?? { clauses: [] })).toBe(
    "tls: split(1, midsld) disorder  http: split(method+2, midsld) disorder",
  );
});
