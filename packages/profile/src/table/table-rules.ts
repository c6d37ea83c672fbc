// A profile's rules as a rule table has them: in the order in which they are looked at, each for one strategy.
import { PORT_RANGES_MAX } from "@bunnel/abi";
import { Fault, ProfileError } from "../errors.ts";
import { hostEntryParts, readHostName } from "../host-name.ts";
import { egressOf } from "../notation/egress.ts";
import { isStreamKind, streamPorts, type Kind } from "../notation/kinds.ts";
import type { Clause } from "../notation/strategy.ts";
import {
  listEntries,
  type Direction,
  type Family,
  type PacketRange,
  type PortRange,
  type Profile,
  type Rule,
} from "../profile/profile.ts";
import { rangesOf, type AddressRanges } from "./address-ranges.ts";

/** One rule of a table. */
export interface TableRule {
  /** The profile's rule that it was made of, and its index there. */
  readonly name: string;
  readonly ruleIndex: number;
  readonly kinds: readonly Kind[];
  readonly families: readonly Family[];
  /** Ascending, apart from each other, at most PORT_RANGES_MAX; none: any port. */
  readonly ports: readonly PortRange[];
  /** Sorted, none below another: `example.org` with all below it, `=example.org` alone. None: any host. */
  readonly hosts: readonly string[];
  /** Undefined: any address. */
  readonly addresses: AddressRanges | undefined;
  readonly direction: Direction;
  /** Undefined: any packet. */
  readonly packets: PacketRange | undefined;
  /** Undefined: the message is left alone. */
  readonly clause: Clause | undefined;
  /** "stream": flows that may begin with such a message leave by sockets. */
  readonly egress: "packet" | "stream";
}

/**
 * The rules of the table that `encodeRules` writes, entry i being the table's rule i. Disabled rules are left out, and
 * so are rules whose lists are files without an entry: nothing is in them. A rule becomes one for each clause of its
 * strategy, and one with more port ranges than a table's rule can hold becomes several.
 * @throws ProfileError E_PROFILE for a host that is no name, which `parseProfile` lets nobody write
 */
export function tableRules(profile: Profile): readonly TableRule[] {
  return profile.rules
    .map((rule, ruleIndex) => ({ rule, ruleIndex }))
    .filter(({ rule }) => rule.enabled)
    .toSorted((a, b) => b.rule.priority - a.rule.priority)
    .flatMap(({ rule, ruleIndex }) => expand(rule, ruleIndex));
}

function expand(rule: Rule, ruleIndex: number): readonly TableRule[] {
  const { name, families, direction, packets } = rule;
  const hosts = canonicalHosts(rule);
  const prefixes = [...rule.addresses, ...listEntries(rule.addressesFile)];
  if (hosts.length === 0 && rule.hostsFile) return [];
  if (prefixes.length === 0 && rule.addressesFile) return [];
  const addresses = prefixes.length === 0 ? undefined : rangesOf(prefixes);
  return actionsOf(rule).flatMap((action) =>
    portGroups(portsOf(rule, action)).map((ports) => {
      return { name, ruleIndex, ...action, families, ports, hosts, addresses, direction, packets };
    }),
  );
}

type Action = Pick<TableRule, "kinds" | "clause" | "egress">;

/** What a rule does to which kinds of message. */
function actionsOf(rule: Rule): readonly Action[] {
  // What sockets carry out, the packet engine leaves alone.
  const isStream = egressOf(rule) === "stream";
  const { clauses } = rule.strategy;
  const streamed = clauses.filter((clause) => isStream && isStreamKind(clause.kind) && clause.operations.length > 0);
  const passed = clauses.filter(({ operations }) => operations.length === 0).map(({ kind }) => kind);
  const planned = clauses.filter((clause) => clause.operations.length > 0 && !streamed.includes(clause));
  const actions = planned.map((clause): Action => ({ kinds: [clause.kind], clause, egress: "packet" }));
  if (passed.length > 0) actions.push({ kinds: passed, clause: undefined, egress: "packet" });
  // Each kind has its own usual port.
  return [...actions, ...streamed.map(({ kind }): Action => ({ kinds: [kind], clause: undefined, egress: "stream" }))];
}

/** What a flow will carry is not known at its first packet: without ports, it is the usual one that tells. */
function portsOf(rule: Rule, { egress, kinds }: Action): readonly PortRange[] {
  if (egress === "packet" || rule.ports.length > 0) return rule.ports;
  return kinds.flatMap((kind) => streamPorts(kind).map((port) => ({ first: port, last: port })));
}

/** The ranges, merged where they touch, in groups that fit into one rule of a table each. */
function portGroups(ranges: readonly PortRange[]): readonly (readonly PortRange[])[] {
  const merged: PortRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (!before || range.first > before.last + 1) merged.push({ first: range.first, last: range.last });
    else merged[merged.length - 1] = { first: before.first, last: Math.max(before.last, range.last) };
  }
  if (merged.length === 0) return [[]];
  const groups: PortRange[][] = [];
  for (let start = 0; start < merged.length; start += PORT_RANGES_MAX) {
    groups.push(merged.slice(start, start + PORT_RANGES_MAX));
  }
  return groups;
}

/** Sorted, each once, without those below another: a name alone means itself and everything below it. */
function canonicalHosts({ name: rule, hosts, hostsFile }: Rule): readonly string[] {
  const entries = new Set<string>();
  for (const entry of hosts) entries.add(canonicalHost(rule, entry));
  for (const entry of listEntries(hostsFile)) entries.add(canonicalHost(rule, entry));
  return [...entries].filter((entry) => !isBelowAnother(entries, entry)).toSorted();
}

function isBelowAnother(entries: ReadonlySet<string>, entry: string): boolean {
  if (entry.startsWith("=") && entries.has(entry.slice(1))) return true;
  for (let dot = entry.indexOf("."); dot >= 0; dot = entry.indexOf(".", dot + 1)) {
    if (entries.has(entry.slice(dot + 1))) return true;
  }
  return false;
}

/** `all:` says only that a public suffix was meant. */
function canonicalHost(rule: string, entry: string): string {
  const { sign, text } = hostEntryParts(entry);
  const name = readHostName(text);
  if (!(name instanceof Fault)) return sign === "=" ? `=${name}` : name;
  const message = `rule ${JSON.stringify(rule)}: hosts: ${name.text}`;
  throw new ProfileError("E_PROFILE", [{ message }], "profile");
}
