import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { anySplitProfile } from "../../test/arbitraries.ts";
import { encodeRules } from "../table/encode.ts";
import { matchRule, type MessageFacts } from "../table/match.ts";
import { tableRules } from "../table/table-rules.ts";
import { parseProfile } from "./parse.ts";
import { selectionOf } from "./selection.ts";

const RULE = '[[rule]]\nname = "all"\nstrategy = "tls: split(1) http: split(1) quic: drop dns: ttl(5) syn: mss(88)"\n';

const TLS: MessageFacts = { kind: "tls", family: "ipv4", port: 443, host: "www.example.org" };

/** Whether the rules of a profile do something to a message. */
function acts(text: string, facts: Partial<MessageFacts> & { readonly kind?: MessageFacts["kind"] } = {}): boolean {
  const profile = parseProfile(text);
  const index = matchRule(encodeRules(profile), { ...TLS, ...facts });
  return tableRules(profile)[index]?.clause !== undefined;
}

describe("[exclude]", () => {
  test("hosts and all below them are left alone, before any rule", () => {
    const text = `[exclude]\nhosts = ["example.org"]\n${RULE}priority = 9\n`;
    expect(acts(text)).toBe(false);
    expect(acts(text, { host: "example.net" })).toBe(true);
  });

  test("addresses and ports are left alone, and the kernel is told of them", () => {
    const text = `[exclude]\naddresses = ["203.0.113.0/24"]\nports = [8443]\n${RULE}`;
    expect(acts(text, { address: "203.0.113.9" })).toBe(false);
    expect(acts(text, { address: "192.0.2.9" })).toBe(true);
    expect(acts(text, { port: 8443 })).toBe(false);
    expect(selectionOf(parseProfile(text)).except).toEqual({
      addresses: ["203.0.113.0-203.0.113.255"],
      ports: [{ first: 8443, last: 8443 }],
    });
  });

  test("a protocol takes its kinds of message away", () => {
    const profile = parseProfile(`[exclude]\nprotocols = ["udp"]\n${RULE}`);
    expect(Object.keys(selectionOf(profile)).toSorted()).toEqual(["http", "syn", "tls"]);
    expect(tableRules(profile).flatMap(({ kinds }) => kinds)).toEqual(["tls", "http", "syn"]);
  });
});

describe("[include]", () => {
  test("a message must fit every list that has entries", () => {
    const text = `[include]\nhosts = ["example.org"]\nports = [443]\naddresses = ["203.0.113.0/24"]\n${RULE}`;
    const address = "203.0.113.9";
    expect(acts(text, { address })).toBe(true);
    expect(acts(text, { address, host: "www.example.net" })).toBe(false);
    expect(acts(text, { address, port: 444 })).toBe(false);
    expect(acts(text, { address: "192.0.2.9" })).toBe(false);
  });

  test("what is shared with a rule's own lists is the narrower of both", () => {
    const rule =
      '[[rule]]\nname = "a"\nhosts = ["a.example.org", "example.net"]\nports = ["400-450"]\n' +
      'strategy = "tls: split(1)"\n';
    const text = `[include]\nhosts = ["example.org", "=www.example.net"]\nports = ["440-500"]\n${rule}`;
    const [only, ...more] = tableRules(parseProfile(text));
    expect(more).toEqual([]);
    expect(only?.hosts).toEqual(["=www.example.net", "a.example.org"]);
    expect(only?.ports).toEqual([{ first: 440, last: 450 }]);
    expect(tableRules(parseProfile(`[include]\nhosts = ["example.com"]\n${rule}`))).toEqual([]);
  });

  test("a protocol leaves its kinds alone standing", () => {
    expect(selectionOf(parseProfile(`[include]\nprotocols = ["udp"]\n${RULE}`))).toEqual({ quic: [443], dns: [53] });
  });
});

describe("selectionOf() tells the kernel", () => {
  test("the addresses of a kind where all its rules name theirs", () => {
    const rule = (name: string, keys: string) => `[[rule]]\nname = "${name}"\n${keys}\n`;
    const text =
      rule("a", 'addresses = ["203.0.113.0/25"]\nstrategy = "tls: split(1) quic: drop"') +
      rule("b", 'addresses = ["203.0.113.128/25", "2001:db8::/32"]\nstrategy = "tls: split(2)"') +
      rule("c", 'strategy = "http: split(1)"');
    expect(selectionOf(parseProfile(text)).addresses).toEqual({
      tls: ["203.0.113.0-203.0.113.255", "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
      quic: ["203.0.113.0-203.0.113.127"],
    });
  });

  test("the family of a kind where all its rules are for one", () => {
    const text = '[[rule]]\nname = "a"\nfamilies = ["ipv6"]\nstrategy = "tls: split(1)"';
    expect(selectionOf(parseProfile(text)).addresses).toEqual({ tls: ["::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] });
  });

  test("what rules leave alone that stand before all that act, and no others", () => {
    const pass = (priority: number, keys: string) =>
      `[[rule]]\nname = "pass ${priority}"\npriority = ${priority}\n${keys}\nstrategy = "pass"\n`;
    const text =
      pass(9, 'addresses = ["203.0.113.0/24"]') +
      pass(8, "ports = [8443]") +
      pass(7, 'hosts = ["example.org"]\nports = [99]') +
      pass(-1, "ports = [77]") +
      RULE;
    expect(selectionOf(parseProfile(text)).except).toEqual({
      addresses: ["203.0.113.0-203.0.113.255"],
      ports: [{ first: 8443, last: 8443 }],
    });
  });

  test("nothing at all where the profile is switched off", () => {
    const profile = parseProfile(`enabled = false\n${RULE}`);
    expect(selectionOf(profile)).toEqual({});
    expect(tableRules(profile)).toEqual([]);
  });
});

test("whatever a rule of the table acts on, the selection lets up", () => {
  fc.assert(
    fc.property(anySplitProfile, (profile) => {
      // More ports than interception lists are told as an error.
      if (profile.rules.some(({ ports }) => ports.some(({ first, last }) => last - first > 100))) return;
      const selection = selectionOf(profile);
      for (const { kinds, clause } of tableRules(profile)) {
        if (clause === undefined) continue;
        for (const kind of kinds) expect(selection[kind]).toBeDefined();
      }
    }),
    { numRuns: 200 },
  );
});
