import { describe, expect, test } from "bun:test";
import * as abi from "@bunnel/abi";
import fc from "fast-check";
import { anyProfile } from "../../test/arbitraries.ts";
import { resolved } from "../../test/resolved.ts";
import { parseStrategy } from "../notation/checker.ts";
import { KINDS } from "../notation/kinds.ts";
import { defaultProfile } from "../profile/default-profile.ts";
import { parseProfile } from "../profile/parse.ts";
import type { Profile, Rule } from "../profile/profile.ts";
import { decodeRules } from "./decode.ts";
import { encodeRules } from "./encode.ts";
import { placeHosts } from "./host-places.ts";
import { tableRules } from "./table-rules.ts";

/** Words of four octets, each "at: value", all others being zero. */
function dump(table: Uint8Array): readonly string[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const words: string[] = [];
  for (let at = 0; at < table.length; at += 4) {
    const word = view.getUint32(at, true);
    if (word !== 0) words.push(`${at}: ${word.toString(16).padStart(8, "0")}`);
  }
  return words;
}

function profileWith(rules: readonly Partial<Rule>[]): Profile {
  const [base] = defaultProfile().rules;
  if (!base) throw new Error("the default profile has no rule");
  return { ...defaultProfile(), rules: rules.map((rule, index) => ({ ...base, name: `rule ${index}`, ...rule })) };
}

describe("encodeRules()", () => {
  test("lays every field where the engine reads it", () => {
    const profile = parseProfile(`
      [[rule]]
      name = "a"
      hosts = ["a.b"]
      ports = [443, "8000-8100"]
      families = ["ipv6"]
      addresses = ["192.0.2.0/25", "2001:db8::/32", "192.0.2.128/25"]
      direction = "out"
      packets = [3, 258]
      strategy = "tls: fake(sni=c.de, ttl=4, badsum, x2) split(-2, sniext+1) disorder"
      [[rule]]
      name = "b"
      strategy = "pass"
    `);
    expect(dump(encodeRules(profile))).toEqual([
      // header
      ...["0: 544e4e42", "4: 00000004", "8: 000001d0", "12: 00000002", "16: 00000001"],
      ...["20: 00000040", "24: 000000a0", "28: 000001a8", "32: 00000001"],
      // one address set; every kind is asked for
      ...["40: 00000170", "44: 00000001", "48: 0000003e"],
      // rule 0: tls, IPv6, strategy 0, host set 1, two ranges
      ...["64: 00000202", "68: 00020001", "72: 01bb01bb", "76: 1fa41f40"],
      // address set 1, of the opener, packets 3 to 258
      ...["88: 00010001", "92: 01020003"],
      // rule 1: every kind, both families, left alone
      "112: ffff033e",
      // strategy 0: tls, three operations
      ...["160: 00000301", "164: 000000b0"],
      // fake: both foolings, hop limit 4, twice, the name
      ...["176: 00030003", "180: 00000204", "184: 000001c8", "188: 00000004"],
      // split at -2 from the end and at sniext+1
      ...["240: 00000201", "244: 00000100", "256: fffe0000", "260: 00010007"],
      // disorder
      ...["304: 00000002", "308: 00000100"],
      // address set 1: one range of each family, IPv4 at 0x180, IPv6 at 0x188
      ...["368: 00000180", "372: 00000001", "376: 00000188", "380: 00000001"],
      // 192.0.2.0 to 192.0.2.255, 2001:db8:: to 2001:db8:ffff:…
      ...["384: 000200c0", "388: ff0200c0"],
      ...["392: b80d0120", "408: b80d0120", "412: ffffffff", "416: ffffffff", "420: ffffffff"],
      // the second of two host places: hash, text, three octets in set 1, with all below
      ...["440: b68d24ab", "444: 000001cc", "448: 00010003", "452: 00000002"],
      // c.de, a.b
      ...["456: 65642e63", "460: 00622e61"],
    ]);
  });

  test("has one empty place where no rule has hosts", () => {
    const view = new DataView(encodeRules(defaultProfile()).buffer);
    expect(view.getUint32(abi.HEADER_HOSTS_MASK, true)).toBe(0);
    expect(view.getUint32(view.getUint32(abi.HEADER_HOSTS_AT, true), true)).toBe(0);
    expect(decodeRules(encodeRules(profileWith([])))).toMatchObject({
      rules: [],
      hostPlaces: 1,
      totalBytes: abi.RULES_HEADER_BYTES + abi.HOST_PLACE_BYTES,
    });
  });

  test("decodeRules() gives back the rules of any profile, payloads as their octets", () => {
    fc.assert(
      fc.property(anyProfile, fc.integer(), (profile, seed) => {
        const table = encodeRules(profile, { seed });
        const decoded = decodeRules(table);
        const rules = tableRules(profile).map(({ clause, ...rule }) => {
          return { ...rule, clause: clause && resolved(clause, { named: profile.payloads, seed }) };
        });
        const numbered = decoded.rules.map((rule, index) => ({
          name: rules[index]?.name ?? "",
          ruleIndex: rules[index]?.ruleIndex,
          ...rule,
        }));
        expect(numbered).toEqual(rules);
        expect(decoded.kinds).toEqual(KINDS.filter((kind) => rules.some(({ kinds }) => kinds.includes(kind))));
        expect(decoded.totalBytes).toBe(table.byteLength);
        expect(table.byteLength % 4).toBe(0);
        expect(Math.log2(decoded.hostPlaces) % 1).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test("equal seeds give equal tables, and without one no two decoys are the same", () => {
    const clauses = parseStrategy("tls: fake(tls, ttl=4)").clauses;
    const profile = profileWith([{ strategy: { clauses } }]);
    expect(encodeRules(profile, { seed: 1 })).toEqual(encodeRules(profile, { seed: 1 }));
    expect(encodeRules(profile, { seed: 1 })).not.toEqual(encodeRules(profile, { seed: 2 }));
    expect(encodeRules(profile)).not.toEqual(encodeRules(profile));
  });

  test("stores equal strategies, equal lists of hosts and equal names once", () => {
    const rule = { hosts: ["=www.example.net", "example.org"] };
    const one = encodeRules(profileWith([rule]));
    const same = { hosts: ["Example.ORG.", "=example.org", "a.video.example.org", "=www.example.net"] };
    const three = encodeRules(profileWith([rule, same, rule]));
    expect(three.length - one.length).toBe(4 * abi.RULE_BYTES);
    expect(decodeRules(three).rules.map(({ hosts }) => hosts)).toEqual(
      Array.from({ length: 6 }, () => ["=www.example.net", "example.org"]),
    );
  });

  test("refuses more rules than a table holds, naming both numbers", () => {
    const { rules } = decodeRules(encodeRules(profileWith(Array.from({ length: 512 }, () => ({})))));
    expect(rules).toHaveLength(abi.RULES_MAX);
    expect(() => encodeRules(profileWith(Array.from({ length: 513 }, () => ({}))))).toThrow(
      "rule table: rules: expected at most 1024 in the table, found 1026",
    );
  });

  test("refuses a host in more different lists than probing can tell apart", () => {
    const lists = (count: number) =>
      profileWith(Array.from({ length: count }, (_, index) => ({ hosts: ["example.org", `n${index}.example.net`] })));
    expect(decodeRules(encodeRules(lists(32))).rules).toHaveLength(64);
    expect(() => encodeRules(lists(33))).toThrow(
      'rule table: host "example.org": expected in at most 32 different lists of hosts, found in 33',
    );
  });

  test("refuses more octets than a table holds", () => {
    const name = (index: number) => `${index}.${"long-label.".repeat(20)}example.org`;
    const rule = { hosts: Array.from({ length: 130_000 }, (_, index) => name(index)) };
    expect(() => encodeRules(profileWith([rule]))).toThrow(
      /^rule table: rule table: expected at most 33554432 octets, found \d+$/,
    );
  }, 30_000);

  test("refuses more names than a table has places for", () => {
    const names = Array.from({ length: 1_100_000 }, (_, index) => ({ name: `${index}.org`, exact: false, set: 1 }));
    expect(() => placeHosts(names)).toThrow(
      "rule table: hosts: expected names that fit into 33554432 octets, found 1100000 names",
    );
  }, 30_000);

  test("refuses more addresses than a table holds", () => {
    const apart = Array.from({ length: abi.ADDRESS_RANGES_MAX + 1 }, (_, index) => {
      return `10.${index >> 15}.${(index >> 7) & 0xff}.${(index << 1) & 0xff}/32`;
    });
    expect(() => encodeRules(profileWith([{ addresses: apart }]))).toThrow(
      "rule table: address ranges of one family: expected at most 131072 in the table, found 131073",
    );
    const touching = apart.flatMap((prefix) => [
      prefix,
      prefix.replace(/\d+\/32$/, (last) => `${parseInt(last) + 1}/32`),
    ]);
    const [rule] = decodeRules(encodeRules(profileWith([{ addresses: touching }]))).rules;
    expect(rule?.addresses?.ipv4).toEqual([{ first: 0x0a00_0000n, last: 0x0a04_0001n }]);
    const lists = (count: number) =>
      profileWith(
        Array.from({ length: count }, (_, index) => ({
          addresses: [`192.0.2.${index & 0xff}/32`, `203.0.113.${index >> 8}/32`],
        })),
      );
    expect(() => encodeRules(lists(257))).toThrow(
      "rule table: different lists of addresses: expected at most 256 in the table, found 257",
    );
  });

  test("leaves out rules whose files have nothing in them, and joins lists with their files", () => {
    const file = (...entries: readonly string[]) => ({ path: "list.txt", text: entries.join("\n") });
    const tls = { strategy: parseStrategy("tls: split(1)") };
    const profile = profileWith([
      { ...tls, hostsFile: file() },
      { ...tls, addressesFile: file() },
      { ...tls, hosts: ["b.example.org"], hostsFile: file("=c.example.org", "all:co.uk") },
      { ...tls, addresses: ["192.0.2.0/32"], addressesFile: file("192.0.2.1/32") },
      { ...tls, hosts: ["b.example.org"], hostsFile: file() },
    ]);
    expect(decodeRules(encodeRules(profile)).rules.map(({ hosts, addresses }) => addresses?.ipv4 ?? hosts)).toEqual([
      ["=c.example.org", "b.example.org", "co.uk"],
      [{ first: 0xc000_0200n, last: 0xc000_0201n }],
      ["b.example.org"],
    ]);
  });

  test("refuses what no text could have said", () => {
    expect(() => encodeRules(profileWith([{ hosts: ["a b"] }]))).toThrow(
      'profile: rule "rule 0": hosts: expected a host name, found "a b"',
    );
    const points = Array.from({ length: 9 }, (_, index) => ({ marker: "absolute" as const, offset: index + 1 }));
    const clauses = [{ kind: "tls" as const, operations: [{ technique: "split" as const, points }] }];
    expect(() => encodeRules(profileWith([{ strategy: { clauses } }]))).toThrow(
      "rule table: split: expected at most 8 points, found 9",
    );
    const unknown = parseStrategy("tls: fake(file=gone, ttl=4)");
    expect(() => encodeRules(profileWith([{ strategy: unknown }]))).toThrow(
      'profile: payload: expected one that the profile has, found "gone"',
    );
    expect(() => encodeRules(profileWith([{ families: [] }]))).toThrow(
      "rule table: rule 0 families: expected bits of 0x3, found 0x0",
    );
  });
});

describe("tableRules()", () => {
  const text = (strategy: string, rest = "") => `[[rule]]\nname = "r"\nstrategy = "${strategy}"\n${rest}`;
  const rulesOf = (...rules: readonly string[]) => tableRules(parseProfile(rules.join("\n")));

  test("puts higher priorities first and leaves equal ones in their order", () => {
    const profile = profileWith([
      { priority: 0 },
      { priority: 5 },
      { priority: 0 },
      { priority: 5, enabled: false },
      { priority: 5 },
      { priority: -1 },
    ]);
    const order = tableRules(profile).map(({ ruleIndex, kinds }) => `${ruleIndex} ${kinds.join()}`);
    expect(order).toEqual([1, 4, 0, 2, 5].flatMap((index) => [`${index} tls`, `${index} http`]));
  });

  test("makes one rule of pass and one of each other clause", () => {
    expect(rulesOf(text("pass")).map(({ kinds, clause }) => [kinds, clause])).toEqual([
      [["tls", "http", "quic", "dns", "syn"], undefined],
    ]);
    const rules = rulesOf(text("tls: pass http: split(1)"));
    expect(rules.map(({ kinds, clause }) => [kinds, clause?.kind])).toEqual([
      [["http"], "http"],
      [["tls"], undefined],
    ]);
  });

  test("merges ranges that touch and spreads what is left over several rules", () => {
    const ports = "ports = [9, 1, 3, 5, 7, 11, '20-30', '25-40', 41, 43]";
    expect(
      rulesOf(text("tls: split(1)", ports)).map((rule) => rule.ports.map(({ first, last }) => `${first}-${last}`)),
    ).toEqual([
      ["1-1", "3-3", "5-5", "7-7"],
      ["9-9", "11-11", "20-41", "43-43"],
    ]);
  });
});
