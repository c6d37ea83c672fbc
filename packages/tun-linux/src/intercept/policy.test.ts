import { describe, expect, test } from "bun:test";
import type { RuleInfo, RuleSpec } from "../netcfg/rules.ts";
import { hasAllOf, isRule, markedRules } from "./policy.ts";

const [OURS = { family: 4, priority: 0 }] = markedRules(4);
const FOUND: RuleInfo = { ...OURS, type: "lookup", action: 1, invert: false };

describe("isRule()", () => {
  test("knows our rule as the system lists it", () => {
    expect(isRule(FOUND, OURS)).toBe(true);
  });

  test.each<Partial<RuleInfo>>([
    { family: 6 },
    { priority: 9001 },
    { type: "blackhole", action: 6 },
    { mark: 1 },
    { mask: 0xffff },
    { table: 254 },
    { inInterface: "lo" },
    { outInterface: "lo" },
    { suppressPrefixLength: 0 },
    { suppressInterfaceGroup: 0 },
    { from: "192.0.2.0/24" },
    { to: "192.0.2.0/24" },
    { tos: 0x10 },
    { uidRange: [0, 0] },
    { ipProtocol: 6 },
    { sourcePorts: [80, 80] },
    { destinationPorts: [53, 60] },
    { goto: 9002 },
    { invert: true },
    { vrf: true },
    { protocol: 99 },
    { unread: [25] },
  ])("takes no rule for ours that has %j", (more) => {
    expect(isRule({ ...FOUND, ...more }, OURS)).toBe(false);
  });
});

describe("hasAllOf()", () => {
  const spec: RuleSpec = { ...OURS, destinationPorts: [53, 60] };

  test("is true of a rule that is the same or stricter", () => {
    expect(hasAllOf({ ...FOUND, tos: 0x10 }, OURS)).toBe(true);
    expect(hasAllOf({ ...FOUND, destinationPorts: [53, 60], from: "192.0.2.1/32" }, spec)).toBe(true);
  });

  test("is false of one that lacks something", () => {
    expect(hasAllOf(FOUND, spec)).toBe(false);
    expect(hasAllOf({ ...FOUND, destinationPorts: [53, 61] }, spec)).toBe(false);
  });
});
