// A profile's rules as a rule table has them: in the order in which they are looked at, each for one strategy.
import { PORT_RANGES_MAX } from "@bunnel/abi";
import { Fault, ProfileError } from "../errors.ts";
import { readHostName } from "../host-name.ts";
import type { Clause, Kind } from "../notation/strategy.ts";
import type { Family, PortRange, Profile, Rule } from "../profile/profile.ts";

/** One rule of a table. */
export interface TableRule {
  /** The profile's rule that it was made of, and its index there. */
  readonly name: string;
  readonly ruleIndex: number;
  readonly kinds: readonly Kind[];
  readonly families: readonly Family[];
  /** Ascending, apart from each other, at most PORT_RANGES_MAX; none: any port. */
  readonly ports: readonly PortRange[];
  /** Sorted, each name once: `example.org` with all below it, `=example.org` alone. None: any host. */
  readonly hosts: readonly string[];
  /** Undefined: the message is left alone. */
  readonly clause: Clause | undefined;
}

/**
 * The rules of the table that `encodeRules` writes, entry i being the table's rule i. Disabled rules are left out. A
 * rule whose strategy has a clause for each kind becomes two, and one with more port ranges than a table's rule can
 * hold becomes several.
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
  const { name, families } = rule;
  const hosts = canonicalHosts(rule);
  return actionsOf(rule).flatMap((action) =>
    portGroups(rule.ports).map((ports) => ({ name, ruleIndex, ...action, families, ports, hosts })),
  );
}

/** What a rule does to which kinds of message. */
function actionsOf({ strategy }: Rule): readonly Pick<TableRule, "kinds" | "clause">[] {
  const passed = strategy.clauses.filter(({ operations }) => operations.length === 0).map(({ kind }) => kind);
  const planned = strategy.clauses.filter(({ operations }) => operations.length > 0);
  const actions = planned.map((clause) => ({ kinds: [clause.kind], clause }));
  return passed.length === 0 ? actions : [...actions, { kinds: passed, clause: undefined }];
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

/** A name alone means itself too, so `=name` beside it says nothing more. */
function canonicalHosts({ name: rule, hosts }: Rule): readonly string[] {
  const entries = new Set<string>();
  for (const entry of hosts) {
    const exact = entry.startsWith("=");
    const name = readHostName(exact ? entry.slice(1) : entry);
    if (name instanceof Fault) {
      throw new ProfileError(
        "E_PROFILE",
        [{ message: `rule ${JSON.stringify(rule)}: hosts: ${name.text}` }],
        "profile",
      );
    }
    entries.add(exact ? `=${name}` : name);
  }
  return [...entries].filter((entry) => !entry.startsWith("=") || !entries.has(entry.slice(1))).toSorted();
}
