import { describe, expect, test } from "bun:test";
import { HOST_MAX_BYTES } from "@bunnel/abi";
import fc from "fast-check";
import { anyHostName, anyProfile } from "../../test/arbitraries.ts";
import { defaultProfile } from "../profile/default-profile.ts";
import { parseProfile } from "../profile/parse.ts";
import type { Profile } from "../profile/profile.ts";
import { decodeRules } from "./decode.ts";
import { encodeRules } from "./encode.ts";
import { hostHash, placeHosts } from "./host-places.ts";
import { matchHost, matchRule, type MessageFacts } from "./match.ts";
import { tableRules } from "./table-rules.ts";

function tableOf(hosts: readonly string[]): Uint8Array {
  const profile: Profile = { ...defaultProfile(), rules: defaultProfile().rules.map((rule) => ({ ...rule, hosts })) };
  return encodeRules(profile);
}

/** What a list of hosts means, without any table. */
function isIn(hosts: readonly string[], name: string): boolean {
  return hosts.some((host) => {
    if (host.startsWith("=")) return name === host.slice(1);
    return name === host || name.endsWith(`.${host}`);
  });
}

describe("matchHost()", () => {
  const table = tableOf(["example.org", "=www.example.net", "tr"]);
  test.each([
    ["example.org", true],
    ["WWW.Example.ORG", true],
    ["a.b.c.example.org.", true],
    ["notexample.org", false],
    ["org", false],
    ["www.example.net", true],
    ["a.www.example.net", false],
    ["example.net", false],
    ["anything.tr", true],
    ["xtr", false],
    [".tr", true],
    ["tr..", false],
    ["", false],
    [".", false],
    // The Kelvin sign, whose lower case is k.
    ["example.or\u212a", false],
    [`${"a.".repeat(125)}tr`, true],
    [`${"a.".repeat(126)}tr`, false],
  ])("%j: %j", (name, found) => {
    expect(matchHost(table, 1, name)).toBe(found);
  });

  test("set 0 has every name, and a set that no rule has none", () => {
    expect(matchHost(table, 0, "example.com")).toBeTrue();
    expect(matchHost(table, 2, "example.org")).toBeFalse();
  });

  test("agrees with a plain search through the list for any list and name", () => {
    const anyEntry = fc.tuple(fc.constantFrom("", "="), anyHostName).map(([sign, name]) => sign + name);
    // Short names over few labels, so that many are below each other.
    const crowded = fc
      .array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 })
      .map((labels) => labels.join("."));
    const anyHost = fc.oneof(
      anyEntry,
      fc.tuple(fc.constantFrom("", "="), crowded).map(([sign, name]) => sign + name),
    );
    fc.assert(
      fc.property(fc.array(anyHost, { minLength: 1 }), fc.array(fc.oneof(anyHostName, crowded)), (hosts, names) => {
        const encoded = tableOf(hosts);
        const own = hosts.map((host) => host.replace("=", ""));
        const below = own.map((name) => `x.${name}`).filter((name) => name.length <= HOST_MAX_BYTES);
        for (const name of [...names, ...own, ...below]) {
          expect(matchHost(encoded, 1, name)).toBe(isIn(hosts, name));
        }
      }),
    );
  });

  test("finds each of 10 000 names, what is below the half that allows it, and nothing else", () => {
    const hosts = Array.from({ length: 10_000 }, (_, index) => {
      const name = `host${index}.${index % 7}.example.org`;
      return index % 2 === 0 ? name : `=${name}`;
    });
    const encoded = tableOf(hosts);
    expect(decodeRules(encoded).rules[0]?.hosts).toEqual(hosts.toSorted());
    for (const host of hosts) {
      const name = host.replace("=", "");
      if (!matchHost(encoded, 1, name)) throw new Error(`${name} is lost`);
      if (matchHost(encoded, 1, `www.${name}`) !== !host.startsWith("=")) throw new Error(`www.${name} is wrong`);
      if (matchHost(encoded, 1, `x${name}`)) throw new Error(`x${name} is found`);
    }
  });

  test("tells many sets apart", () => {
    const rules = Array.from({ length: 200 }, (_, index) => {
      const hosts = `["set${index}.example.org", "=set${(index + 1) % 200}.example.org"]`;
      return `[[rule]]\nname = "${index}"\nhosts = ${hosts}\nstrategy = "tls: split(1)"`;
    });
    const encoded = encodeRules(parseProfile(rules.join("\n")));
    for (let index = 0; index < 200; index += 1) {
      expect(matchHost(encoded, index + 1, `a.set${index}.example.org`)).toBeTrue();
      expect(matchHost(encoded, index + 1, `set${(index + 1) % 200}.example.org`)).toBeTrue();
      expect(matchHost(encoded, index + 1, `a.set${(index + 1) % 200}.example.org`)).toBeFalse();
    }
  });
});

describe("matchRule()", () => {
  test("agrees with a plain look at the profile's rules for any profile and message", () => {
    const anyFacts: fc.Arbitrary<MessageFacts> = fc.record(
      {
        kind: fc.constantFrom("tls" as const, "http" as const),
        family: fc.constantFrom("ipv4" as const, "ipv6" as const),
        port: fc.oneof(fc.constantFrom(1, 80, 443, 65535), fc.integer({ min: 1, max: 65535 })),
        host: anyHostName,
      },
      { requiredKeys: ["kind", "family", "port"] },
    );
    fc.assert(
      fc.property(anyProfile, anyFacts, fc.nat(), (profile, facts, pick) => {
        const rules = tableRules(profile);
        const rule = rules[pick % Math.max(rules.length, 1)];
        const near = rule?.hosts[0]?.replace("=", "");
        // Facts that some rule asks for, besides those that mostly none does.
        const wanted = { ...facts, port: rule?.ports[0]?.last ?? facts.port, ...(near && { host: near }) };
        for (const { kind, family, port, host } of [facts, wanted]) {
          const first = rules.findIndex(
            ({ kinds, families, ports, hosts }) =>
              kinds.includes(kind) &&
              families.includes(family) &&
              (ports.length === 0 || ports.some((range) => range.first <= port && port <= range.last)) &&
              (hosts.length === 0 || (host !== undefined && isIn(hosts, host))),
          );
          expect(matchRule(encodeRules(profile), { kind, family, port, ...(host && { host }) })).toBe(first);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("gives a message without a host to rules for any host alone", () => {
    const table = encodeRules(
      parseProfile(`
        [[rule]]
        name = "named"
        hosts = ["example.org"]
        strategy = "tls: split(1)"
        [[rule]]
        name = "any"
        strategy = "tls: split(2)"
      `),
    );
    const facts = { kind: "tls", family: "ipv4", port: 443 } as const;
    expect(matchRule(table, facts)).toBe(1);
    expect(matchRule(table, { ...facts, host: "example.org" })).toBe(0);
    expect(matchRule(table, { ...facts, kind: "http" })).toBe(-1);
  });
});

describe("host places", () => {
  test("hostHash() is FNV-1a over the name from behind", () => {
    // Test vectors of the FNV reference: "a", "foobar".
    expect(hostHash("a")).toBe(0xe40c292c);
    expect(hostHash("raboof")).toBe(0xbf9cf968);
    expect(hostHash("example.org")).not.toBe(hostHash("gro.elpmaxe"));
  });

  test("grow until every name is near its home", () => {
    // Names whose hashes have the same low 8 bits crowd any table of up to 256 places.
    const names: string[] = [];
    for (let index = 0; names.length < 64; index += 1) {
      if ((hostHash(`n${index}.example.org`) & 0xff) === 7) names.push(`n${index}.example.org`);
    }
    const places = placeHosts(names.map((name) => ({ name, exact: false, set: 1 })));
    expect(places.length).toBeGreaterThan(256);
    expect(places.filter((place) => place !== undefined)).toHaveLength(64);
    expect(names.every((name) => matchHost(tableOf(names), 1, name))).toBeTrue();
  });
});
