// What the keys of rules and of split tunnelling do to messages: seen in the table that the engine reads, by the slow
// and obvious reader of it.
import {
  encodeRules,
  matchRule,
  parseProfile,
  ProfileError,
  selectionOf,
  tableRules,
  type MessageFacts,
} from "@bunnel/profile";
import type { Effects } from "./effect.ts";

const FILES: Readonly<Record<string, string>> = { hosts: "example.org\n", addresses: "203.0.113.0/24\n" };
const load = (path: string) => new TextEncoder().encode(FILES[path] ?? "");

const MESSAGE: MessageFacts = {
  ...{ kind: "tls", family: "ipv4", port: 443, host: "www.example.org", address: "203.0.113.9" },
  ...{ direction: "out", packet: 1 },
};
const OTHER: Partial<MessageFacts> = { port: 80, host: "www.example.net", address: "192.0.2.9" };

/** The name of the rule that acts on a message; undefined: it is left alone. */
function actor(text: string, facts: Partial<MessageFacts> = {}): string | undefined {
  const profile = parseProfile(text, { load });
  const found = tableRules(profile)[matchRule(encodeRules(profile), { ...MESSAGE, ...facts })];
  return found?.clause === undefined ? undefined : found.name;
}

function rule(keys: string, strategy = "tls: split(1)", name = "a"): string {
  return `[[rule]]\nname = "${name}"\nstrategy = "${strategy}"\n${keys}\n`;
}

/** Both messages under a rule that has a key, or does not. */
function ofRule(key: string, other: Partial<MessageFacts> = OTHER): Effects[string] {
  return () => ({ without: actor(rule(""), other), with: actor(rule(key), other) });
}

/** A message that a section lets through without a key, and not with it. */
function ofSection(section: string, facts: Partial<MessageFacts> = {}): Effects[string] {
  return () => ({ without: actor(rule(""), facts), with: actor(`${section}\n${rule("")}`, facts) });
}

/** What a text is refused with. */
function refusal(text: string): string {
  try {
    parseProfile(text, { load });
    return "taken";
  } catch (error) {
    return error instanceof ProfileError ? "refused" : String(error);
  }
}

const RULES: Effects = {
  "rule.name": () => ({ without: actor(rule("")), with: actor(rule("", "tls: split(1)", "b")) }),
  "rule.enabled": ofRule("enabled = false"),
  "rule.priority": () => {
    const second = (keys: string) => actor(rule("") + rule(keys, "tls: split(2)", "b"));
    return { without: second(""), with: second("priority = 1") };
  },
  "rule.hosts": ofRule('hosts = ["example.org"]'),
  "rule.hosts_file": ofRule('hosts_file = "hosts"'),
  "rule.addresses": ofRule('addresses = ["203.0.113.0/24"]'),
  "rule.addresses_file": ofRule('addresses_file = "addresses"'),
  "rule.ports": ofRule("ports = [443]"),
  "rule.families": ofRule('families = ["ipv6"]'),
  "rule.direction": ofRule('direction = "in"'),
  "rule.packets": ofRule("packets = [2, 3]"),
  "rule.egress": () => {
    const stream = (keys: string) => refusal(rule(keys, "tls: tlsrec(1)"));
    return { without: stream(""), with: stream('egress = "packet"') };
  },
  "rule.carries": () => {
    const carried = (keys: string) => ({
      wanted: selectionOf(parseProfile(rule(`${keys}\negress = "stream"`, "tls: split(1)"))).udp ?? "none",
    });
    return { without: carried(""), with: carried('carries = ["tcp", "udp"]') };
  },
  "rule.strategy": () => ({ without: actor(rule("")), with: actor(rule("", "pass")) }),
};

const SPLIT: Effects = {
  "exclude.hosts": ofSection('[exclude]\nhosts = ["example.org"]'),
  "exclude.hosts_file": ofSection('[exclude]\nhosts_file = "hosts"'),
  "exclude.addresses": ofSection('[exclude]\naddresses = ["203.0.113.0/24"]'),
  "exclude.addresses_file": ofSection('[exclude]\naddresses_file = "addresses"'),
  "exclude.ports": ofSection("[exclude]\nports = [443]"),
  "exclude.protocols": ofSection('[exclude]\nprotocols = ["tcp"]'),
  "include.hosts": ofSection('[include]\nhosts = ["example.org"]', OTHER),
  "include.hosts_file": ofSection('[include]\nhosts_file = "hosts"', OTHER),
  "include.addresses": ofSection('[include]\naddresses = ["203.0.113.0/24"]', OTHER),
  "include.addresses_file": ofSection('[include]\naddresses_file = "addresses"', OTHER),
  "include.ports": ofSection("[include]\nports = [443]", OTHER),
  "include.protocols": ofSection('[include]\nprotocols = ["udp"]'),
};

const REST: Effects = {
  version: () => ({ without: refusal("version = 1"), with: refusal("version = 2") }),
  enabled: () => {
    const selected = (head: string) => Object.keys(selectionOf(parseProfile(head + rule("")))).join();
    return { without: selected(""), with: selected("enabled = false\n") };
  },
  payload: () => {
    const hello = (octets: string) =>
      encodeRules(parseProfile(`[payload]\nmine = "hex:${octets}"\n${rule("", "tls: fake(file=mine, badsum)")}`), {
        seed: 1,
      }).toHex();
    return { without: hello("0001"), with: hello("0002") };
  },
  "limits.max_jitter_ms": () => {
    const delayed = (head: string) => refusal(head + rule("", "tls: delay(400)"));
    return { without: delayed(""), with: delayed("[limits]\nmax_jitter_ms = 399\n") };
  },
};

/** Keys that say which messages are looked at, and what is done to them. */
export const RULE_EFFECTS: Effects = { ...RULES, ...SPLIT, ...REST };
