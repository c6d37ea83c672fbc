import { describe, expect, test } from "bun:test";
import Ajv from "ajv/dist/2020.js";
import { parse as parseToml } from "smol-toml";
import { defaultProfileText } from "./default-profile.ts";
import { profileJsonSchema } from "./json-schema.ts";
import { parseProfile } from "./parse.ts";
import { KEYS } from "./schema.ts";

const schema = profileJsonSchema();
// Formats of addresses are told by parseProfile.
const validate = new Ajv({ allErrors: true, validateFormats: false, strict: true, allowUnionTypes: true }).compile(
  schema,
);

const SECTIONS = ["service", "log", "interception", "device", "limits", "include", "exclude"] as const;

interface Table {
  readonly properties: Readonly<Record<string, Table & { readonly items?: Table; readonly default?: unknown }>>;
}

describe("profileJsonSchema()", () => {
  test("has every key that parseProfile knows, and no other", () => {
    const { properties } = schema as unknown as Table;
    const keys = (table?: Table) => Object.keys(table?.properties ?? {}).toSorted();
    expect(keys({ properties })).toEqual([...KEYS.root].toSorted());
    for (const name of SECTIONS) {
      expect(keys(properties[name])).toEqual([...KEYS[name]].toSorted());
    }
    expect(keys(properties["rule"]?.items)).toEqual([...KEYS.rule].toSorted());
  });

  test("takes the sample, whose values are the defaults that it tells", () => {
    const sample = parseToml(defaultProfileText()) as Record<string, unknown>;
    expect(validate(sample)).toBe(true);
    const { properties } = schema as unknown as Table;
    for (const name of SECTIONS) {
      const told = Object.entries(properties[name]?.properties ?? {}).map(([key, value]) => [key, value.default]);
      expect(Object.fromEntries(told)).toEqual(sample[name]);
    }
  });

  const RULE = '[[rule]]\nname = "a"\nstrategy = "pass"\n';

  test.each([
    ["version = 2", ""],
    ["[devise]", ""],
    ["[device]\nmut = 1400", ""],
    ["[device]\nmtu = 100", ""],
    ["[device]\nname = 'a/b'", ""],
    ["[limits]\nmax_flows = 0", ""],
    ["[limits]\nmax_queue_size = 1.5", ""],
    ["[limits]\nmax_memory_mb = 1", ""],
    ["[log]\nlevel = 'loud'", ""],
    ["[service]\nname = 'a'", ""],
    ["[include]\nprotocols = ['icmp']", ""],
    ["[exclude]\nuser = ['alice']", ""],
    ["[device]\nqueues = 5", ""],
    ["enabled = 1", ""],
    ["[interception]\nmethod = 'magic'", ""],
    ["[dns]\nfallback = 'maybe'", ""],
    ["[dns]\nupstreams = []", ""],
    ["[dns]\nupstreams = ['http://192.0.2.53/dns-query']", ""],
    ["[dns]\ntimeout_ms = 1", ""],
    ["[stream]\nmax_flows = 0", ""],
    ["[proxy]\nlisten = '127.0.0.1:1080'", ""],
    ["", "egress = 'socket'"],
    ["", "families = []"],
    ["", "families = ['ipv5']"],
    ["", "ports = [0]"],
    ["", "ports = ['a']"],
    ["", "direction = 'up'"],
    ["", "packets = [0, 1]"],
    ["", "priority = 'high'"],
    ["", "unknown = 1"],
  ])("refuses what parseProfile refuses: %j %j", (head, rule) => {
    const text = `${head}\n${RULE}${rule}\n`;
    expect(validate(parseToml(text))).toBe(false);
    expect(() => parseProfile(text)).toThrow();
  });

  test("a rule needs a name and a strategy", () => {
    for (const text of ['[[rule]]\nname = "a"\n', '[[rule]]\nstrategy = "pass"\n']) {
      expect(validate(parseToml(text))).toBe(false);
      expect(() => parseProfile(text)).toThrow();
    }
  });
});
