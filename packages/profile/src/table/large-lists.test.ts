import { expect, test } from "bun:test";
import { RULES_TABLE_BYTES } from "@bunnel/abi";
import { parseProfile } from "../profile/parse.ts";
import { encodeRules } from "./encode.ts";
import { matchAddress, matchHost } from "./match.ts";

const NAMES = 500_000;
const PREFIXES = 100_000;

/** Half of IPv4, half of IPv6, none touching another. */
function prefix(index: number): string {
  if (index % 2 === 1) return `2001:db8:${(index >> 8).toString(16)}:${(index & 0xff).toString(16)}::/64`;
  return `10.${index >> 15}.${(index >> 7) & 0xff}.${(index << 1) & 0xff}/32`;
}

test("half a million names and a hundred thousand prefixes go through a file into a table that fits", () => {
  const lists: Readonly<Record<string, string>> = {
    names: Array.from({ length: NAMES }, (_, index) => `s${index}.zone${index % 97}.example.org`).join("\n"),
    prefixes: Array.from({ length: PREFIXES }, (_, index) => prefix(index)).join("\n"),
  };
  const text = `[[rule]]
    name = "large"
    hosts_file = "names"
    addresses_file = "prefixes"
    strategy = "preset:zapret-default"`;
  const profile = parseProfile(text, { load: (path) => new TextEncoder().encode(lists[path] ?? "") });
  const table = encodeRules(profile);
  expect(table.byteLength).toBeLessThan(RULES_TABLE_BYTES);
  for (let index = 0; index < NAMES; index += 9973) {
    expect(matchHost(table, 1, `www.s${index}.zone${index % 97}.example.org`)).toBeTrue();
    expect(matchHost(table, 1, `s${index}.zone97.example.org`)).toBeFalse();
  }
  for (let index = 0; index < PREFIXES; index += 997) {
    expect(matchAddress(table, 1, prefix(index).replace(/\/.*/, ""))).toBeTrue();
  }
  expect(matchAddress(table, 1, "10.0.0.1")).toBeFalse();
  expect(matchAddress(table, 1, "2001:db8:ffff::1")).toBeFalse();
}, 240_000);
