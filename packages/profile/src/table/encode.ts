// A profile to the rule table that the engine reads (@bunnel/abi rules.ts has the drawing).
import { RULE_EXCLUDE, RULES_MAX } from "@bunnel/abi";
import { ProfileError } from "../errors.ts";
import { printClause } from "../notation/printer.ts";
import type { Clause } from "../notation/strategy.ts";
import type { Profile } from "../profile/profile.ts";
import { checkRules } from "./check.ts";
import { placeHosts, type HostName } from "./host-places.ts";
import { tableRules, type TableRule } from "./table-rules.ts";
import { writeTable, type Draft } from "./write.ts";

/**
 * The rule table of a profile, whole in itself: all offsets count from its start. Equal strategies and equal lists of
 * hosts are stored once. Its generation is 0; who loads it counts. `checkRules` accepts it.
 * @throws ProfileError E_RULES_LIMIT when the profile has more rules or names than a table holds
 */
export function encodeRules(profile: Profile): Uint8Array {
  const rules = tableRules(profile);
  if (rules.length > RULES_MAX) {
    const message = `rules: expected at most ${RULES_MAX} in the table, found ${rules.length}`;
    throw new ProfileError("E_RULES_LIMIT", [{ message }], "rule table");
  }
  const table = writeTable(draft(rules));
  checkRules(table);
  return table;
}

function draft(rules: readonly TableRule[]): Draft {
  const strategies = new Map<string, { readonly index: number; readonly clause: Clause }>();
  const hostSets = new Map<string, number>();
  const hosts: HostName[] = [];
  const drafted = rules.map((rule) => ({
    rule,
    strategy: rule.clause === undefined ? RULE_EXCLUDE : strategyIndex(strategies, rule.clause),
    hostSet: rule.hosts.length === 0 ? 0 : hostSet(hostSets, hosts, rule.hosts),
  }));
  return {
    rules: drafted,
    clauses: [...strategies.values()].map(({ clause }) => clause),
    places: placeHosts(hosts),
  };
}

function strategyIndex(
  strategies: Map<string, { readonly index: number; readonly clause: Clause }>,
  clause: Clause,
): number {
  const text = printClause(clause);
  const known = strategies.get(text);
  if (known) return known.index;
  const index = strategies.size;
  strategies.set(text, { index, clause });
  return index;
}

function hostSet(sets: Map<string, number>, hosts: HostName[], entries: readonly string[]): number {
  const text = entries.join(" ");
  const known = sets.get(text);
  if (known !== undefined) return known;
  const set = sets.size + 1;
  sets.set(text, set);
  for (const entry of entries) {
    const exact = entry.startsWith("=");
    hosts.push({ name: exact ? entry.slice(1) : entry, exact, set });
  }
  return set;
}
