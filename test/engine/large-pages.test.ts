import { describe, expect, test } from "bun:test";
import { FLOW_ENTRIES_BASE, RULES_BASE, RULES_TABLE_BYTES } from "@bunnel/abi";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { existsSync, readFileSync } from "node:fs";
import { addressOf } from "@bunnel/ffi";
import { Engine } from "@bunnel/engine";

const canHave = existsSync("/sys/kernel/mm/transparent_hugepage");

describe("Engine memory on Linux", () => {
  test("asks for large pages for the flow table, and for a rule table only when it is long", async () => {
    const engine = await Engine.create({ warm: false });
    const tables = [RULES_BASE, RULES_BASE + RULES_TABLE_BYTES] as const;
    expect(isAdvised(engine, FLOW_ENTRIES_BASE + 0x1000)).toBe(canHave);
    engine.loadRules(tableOf(10));
    expect(tables.map((at) => isAdvised(engine, at + 0x1000))).toEqual([false, false]);
    engine.loadRules(tableOf(40_000));
    engine.loadRules(tableOf(10));
    expect(tables.filter((at) => isAdvised(engine, at + 0x1000)).length).toBe(canHave ? 1 : 0);
  });
});

/** Whether the mapping around the octet carries the flag of madvise(2) MADV_HUGEPAGE, as proc(5) smaps shows it. */
function isAdvised(engine: Engine, at: number): boolean {
  const address = addressOf(engine.memory) + at;
  const mappings = readFileSync("/proc/self/smaps", "utf8").split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/u);
  const own = mappings.find((mapping) => {
    const [, from = "", to = ""] = /^([0-9a-f]+)-([0-9a-f]+) /u.exec(mapping) ?? [];
    return address >= Number.parseInt(from, 16) && address < Number.parseInt(to, 16);
  });
  expect(own).toBeDefined();
  return /^VmFlags:.* hg\b/mu.test(own ?? "");
}

function tableOf(names: number): Uint8Array {
  const list = Array.from({ length: names }, (_, index) => `host${index}.example.org`).join("\n");
  const rule = `[[rule]]\nname = "list"\nhosts_file = "list"\nstrategy = "tls: split(1)"\n`;
  return encodeRules(parseProfile(rule, { load: () => new TextEncoder().encode(list) }), { seed: 1 });
}
