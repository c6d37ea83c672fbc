import { describe, expect, test } from "bun:test";
import * as abi from "@bunnel/abi";
import { formatAddress, parseAddress } from "@bunnel/wire";
import fc from "fast-check";
import { anyHostName, anyProfile } from "../../test/arbitraries.ts";
import { KINDS } from "../notation/kinds.ts";
import { defaultProfile } from "../profile/default-profile.ts";
import { parseProfile } from "../profile/parse.ts";
import type { Profile } from "../profile/profile.ts";
import type { AddressRanges } from "./address-ranges.ts";
import { decodeRules } from "./decode.ts";
import { encodeRules } from "./encode.ts";
import { HOST_HASH_OFFSET } from "@bunnel/abi";
import { hashLabel, hostHash } from "./host-hash.ts";
import { placeHosts } from "./host-places.ts";
import { matchAddress, matchHost, matchRule, type MessageFacts } from "./match.ts";
import { tableRules, type TableRule } from "./table-rules.ts";

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

/** Whether one of the prefixes has the address, octet by octet. */
function isCovered(prefixes: readonly string[], address: string): boolean {
  const bits = (text: string) => Array.from(parseAddress(text), (octet) => octet.toString(2).padStart(8, "0")).join("");
  const wanted = bits(address);
  return prefixes.some((prefix) => {
    const [first = "", length = ""] = prefix.split("/");
    const start = bits(first);
    return start.length === wanted.length && wanted.startsWith(start.slice(0, Number(length)));
  });
}

/** What a rule asks for, without any table. */
function asksFor(rule: TableRule, facts: MessageFacts): boolean {
  const { kind, family, port, host, address, direction = "out", packet = 0 } = facts;
  const { kinds, families, ports, hosts, packets } = rule;
  return (
    kinds.includes(kind) &&
    families.includes(family) &&
    (ports.length === 0 || ports.some((range) => range.first <= port && port <= range.last)) &&
    (hosts.length === 0 || (host !== undefined && isIn(hosts, host))) &&
    (rule.direction === "both" || rule.direction === direction) &&
    (packets === undefined || (packets.first <= packet && packet <= packets.last)) &&
    (rule.addresses === undefined || (address !== undefined && isInRanges(rule.addresses, address)))
  );
}

function isInRanges({ ipv4, ipv6 }: AddressRanges, address: string): boolean {
  const octets = parseAddress(address);
  const number = BigInt(`0x${octets.toHex()}`);
  return (octets.length === 4 ? ipv4 : ipv6).some(({ first, last }) => first <= number && number <= last);
}

/** The facts, changed into what a rule asks for. */
function wantedBy(rule: TableRule, facts: MessageFacts): MessageFacts {
  const [range] = rule.addresses?.ipv4 ?? [];
  return {
    ...facts,
    kind: rule.kinds[0] ?? facts.kind,
    family: rule.families[0] ?? facts.family,
    port: rule.ports[0]?.last ?? facts.port,
    direction: rule.direction === "in" ? "in" : "out",
    packet: rule.packets?.last ?? 1,
    ...(rule.hosts[0] !== undefined && { host: rule.hosts[0].replace("=", "") }),
    ...(range && { address: formatAddress(Uint8Array.fromHex(range.last.toString(16).padStart(8, "0"))) }),
  };
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
        const below = own.map((name) => `x.${name}`).filter((name) => name.length <= abi.HOST_MAX_BYTES);
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

describe("matchAddress()", () => {
  const listed = (addresses: readonly string[]) => {
    return encodeRules({
      ...defaultProfile(),
      rules: defaultProfile().rules.map((rule) => ({ ...rule, addresses })),
    });
  };
  const table = listed(["192.0.2.64/26", "203.0.113.0/24", "203.0.113.9/32", "2001:db8::/127", "2001:db8:1::/48"]);
  test.each([
    ["192.0.2.63", false],
    ["192.0.2.64", true],
    ["192.0.2.127", true],
    ["192.0.2.128", false],
    ["203.0.113.9", true],
    ["0.0.0.0", false],
    ["255.255.255.255", false],
    ["2001:db8::1", true],
    ["2001:db8::2", false],
    ["2001:db8:1:ffff:ffff:ffff:ffff:ffff", true],
    ["::", false],
    ["::192.0.2.64", false],
  ])("%s: %p", (address, found) => {
    expect(matchAddress(table, 1, address)).toBe(found);
  });

  test("set 0 has every address, a set that is not there none, and a family without ranges none", () => {
    expect(matchAddress(table, 0, "198.51.100.1")).toBeTrue();
    expect(matchAddress(table, 2, "192.0.2.64")).toBeFalse();
    expect(matchAddress(listed(["0.0.0.0/0"]), 1, "192.0.2.1")).toBeTrue();
    expect(matchAddress(listed(["0.0.0.0/0"]), 1, "2001:db8::1")).toBeFalse();
  });

  test("agrees with a plain look at each prefix for any list and address", () => {
    const anyAddress = fc.integer({ min: 0, max: 63 }).map((host) => `192.0.2.${host}`);
    const anyPrefix = fc
      .tuple(fc.integer({ min: 26, max: 32 }), fc.integer({ min: 0, max: 63 }))
      .map(([length, host]) => {
        return `192.0.2.${host & (0xff << (32 - length)) & 0xff}/${length}`;
      });
    fc.assert(
      fc.property(fc.array(anyPrefix, { minLength: 1, maxLength: 12 }), anyAddress, (prefixes, address) => {
        expect(matchAddress(listed(prefixes), 1, address)).toBe(isCovered(prefixes, address));
      }),
    );
  });

  test("finds each end of many ranges and nothing between them, within the steps that the engine has", () => {
    const { ADDRESS_RANGES_MAX, ADDRESS_SEARCH_MAX } = abi;
    expect(1 << ADDRESS_SEARCH_MAX).toBe(ADDRESS_RANGES_MAX);
    // Every fourth address, two of each four.
    const text = (number: number) => `10.${number >> 16}.${(number >> 8) & 0xff}.${number & 0xff}`;
    const many = listed(Array.from({ length: 5000 }, (_, index) => `${text(index * 4)}/31`));
    for (let number = 0; number < 20_000; number += 1) {
      if (matchAddress(many, 1, text(number)) !== number % 4 < 2) throw new Error(`${text(number)} is wrong`);
    }
  });
});

describe("matchRule()", () => {
  test("agrees with a plain look at the profile's rules for any profile and message", () => {
    const anyFacts: fc.Arbitrary<MessageFacts> = fc.record(
      {
        kind: fc.constantFrom(...KINDS),
        family: fc.constantFrom("ipv4" as const, "ipv6" as const),
        port: fc.oneof(fc.constantFrom(1, 80, 443, 65535), fc.integer({ min: 1, max: 65535 })),
        host: anyHostName,
        address: fc.constantFrom(
          "192.0.2.7",
          "192.0.2.8",
          "203.0.113.200",
          "198.51.100.1",
          "2001:db8::1",
          "2001:db9::1",
        ),
        direction: fc.constantFrom("out" as const, "in" as const),
        packet: fc.integer({ min: 1, max: 12 }),
      },
      { requiredKeys: ["kind", "family", "port"], noNullPrototype: true },
    );
    let matched = 0;
    fc.assert(
      fc.property(anyProfile, anyFacts, fc.nat(), (profile, facts, pick) => {
        const rules = tableRules(profile);
        const table = encodeRules(profile, { seed: 1 });
        const rule = rules[pick % Math.max(rules.length, 1)];
        // Facts that some rule asks for, besides those that mostly none does.
        for (const each of rule ? [facts, wantedBy(rule, facts)] : [facts]) {
          const first = rules.findIndex((candidate) => asksFor(candidate, each));
          expect(matchRule(table, each)).toBe(first);
          if (first >= 0) matched += 1;
        }
      }),
      { numRuns: 300 },
    );
    expect(matched).toBeGreaterThan(100);
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
  test("hostHash() goes on from the hash of the name above", () => {
    const above = hostHash("example.org");
    expect(hostHash("www.example.org")).toBe(hashLabel(above, "www.example.org", 0));
    expect(above).toBe(hashLabel(hashLabel(HOST_HASH_OFFSET, "example.org", 8), "example.org", 0));
  });

  test("hostHash() is what packages/abi/src/rules.ts says, as another program reckoned it", () => {
    expect(hostHash("a.b")).toBe(0xb68d24ab);
    expect(hostHash("www.example.org")).toBe(0x9df06def);
    expect(hostHash("abcdefghijklmnopqrstuvwxyz-0123456789.example.org")).toBe(0xbfad34b2);
  });

  test("hostHash() tells apart order, octets of every place of a label, and where labels end", () => {
    const names = ["a", "b", "ab", "ba", "a.b", "b.a", "abcde", "bacde", "abcdf", "abcd.e", "a.bcde", "abcdefghi"];
    expect(new Set(names.map(hostHash)).size).toBe(names.length);
  });

  test("grow until every name is near its home", () => {
    // Names whose hashes have the same low 8 bits crowd any table of up to 256 places.
    const names: string[] = [];
    for (let index = 0; names.length < 64; index += 1) {
      if ((hostHash(`n${index}.example.org`) & 0xff) === 7) names.push(`n${index}.example.org`);
    }
    const { places } = placeHosts(names.map((name) => ({ name, exact: false, set: 1 })));
    expect(places.length).toBeGreaterThan(256);
    expect(places.filter((index) => index >= 0)).toHaveLength(64);
    expect(names.every((name) => matchHost(tableOf(names), 1, name))).toBeTrue();
  });

  test("are twice as many as names, and none of half a million names is far from its home", () => {
    const hosts = Array.from({ length: 500_000 }, (_, index) => ({
      name: `n${index}.example.org`,
      exact: false,
      set: 1,
    }));
    const { places, hashes } = placeHosts(hosts);
    expect(places).toHaveLength(1 << 20);
    const distances = [...places.entries()]
      .filter(([, index]) => index >= 0)
      .map(([place, index]) => {
        return (place - (hashes[index] ?? 0)) & (places.length - 1);
      });
    expect(distances).toHaveLength(hosts.length);
    expect(distances.reduce((most, distance) => Math.max(most, distance), 0)).toBeLessThan(16);
  });
});
