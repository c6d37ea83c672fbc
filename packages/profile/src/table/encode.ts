// A profile to the rule table that the engine reads (@bunnel/abi rules.ts has the drawing).
import { ADDRESS_RANGES_MAX, ADDRESS_SETS_MAX, RULE_EXCLUDE, RULES_MAX } from "@bunnel/abi";
import { ProfileError } from "../errors.ts";
import { egressOf, egressRefusals } from "../notation/egress.ts";
import { printClause } from "../notation/printer.ts";
import type { Clause } from "../notation/strategy.ts";
import type { Profile } from "../profile/profile.ts";
import type { AddressRanges } from "./address-ranges.ts";
import { checkRules } from "./check.ts";
import { placeHosts, type HostName } from "./host-places.ts";
import { tableRules, type TableRule } from "./table-rules.ts";
import { writeTable, type Draft } from "./write.ts";

/** How a table is made. */
export interface EncodeOptions {
  /**
   * Where the random octets of built decoys come from, a whole number of 32 bits: equal seeds give equal tables.
   * Default: another one for each table, so that no two machines send the same decoy.
   */
  readonly seed?: number;
  /**
   * What becomes of rules whose TCP flows leave by sockets: they are refused, because nobody here has sockets, or, with
   * "leave", the table leaves their tls and http messages alone, because somebody else carries them out.
   */
  readonly streamRules?: "refuse" | "leave";
}

/**
 * The rule table of a profile, whole in itself: all offsets count from its start. Equal strategies and equal lists are
 * stored once. Its generation is 0; who loads it counts. `checkRules` accepts it.
 * @throws ProfileError E_RULES_LIMIT when the profile has more rules, names, addresses or octets than a table holds
 * @throws ProfileError E_PROFILE for a rule that needs stream egress, unless `streamRules` says what becomes of it
 * @throws ProfileError E_PROFILE for a payload that the profile does not have, which `parseProfile` lets nobody write
 */
export function encodeRules(profile: Profile, options: EncodeOptions = {}): Uint8Array {
  if (options.streamRules !== "leave") refuseStreamRules(profile);
  const rules = tableRules(profile);
  if (rules.length > RULES_MAX) throw limitError("rules", RULES_MAX, rules.length);
  const seed = options.seed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const table = writeTable(new Drafter().draft(rules, profile.stream.byName), { named: profile.payloads, seed });
  checkRules(table);
  return table;
}

function refuseStreamRules(profile: Profile): void {
  const rule = profile.rules.find((known) => known.enabled && egressOf(known) === "stream");
  if (rule === undefined) return;
  const [cause] = egressRefusals(rule.strategy, "packet");
  const why = cause ? `${cause.operation.technique} ${cause.why}` : 'it says egress = "stream"';
  const message = `rule ${JSON.stringify(rule.name)}: expected a strategy that packets can carry out: ${why}`;
  throw new ProfileError("E_PROFILE", [{ message }], "profile");
}

/** Numbers strategies, lists of hosts and lists of addresses, equal ones once. */
class Drafter {
  private readonly clauses = new Numbered<Clause>();
  private readonly hostSets = new Numbered<readonly string[]>();
  private readonly addressSets = new Numbered<AddressRanges>();

  draft(rules: readonly TableRule[], byName: boolean): Draft {
    const drafted = rules.map((rule) => ({
      rule,
      strategy: rule.clause ? this.clauses.of(rule.clause, printClause) : RULE_EXCLUDE,
      hostSet: rule.hosts.length === 0 ? 0 : this.hostSets.of(rule.hosts, (hosts) => hosts.join(" ")) + 1,
      addressSet: rule.addresses ? this.addressSets.of(rule.addresses, textOfRanges) + 1 : 0,
    }));
    return {
      byName,
      rules: drafted,
      clauses: this.clauses.values,
      addressSets: checkedSets(this.addressSets.values),
      hosts: placeHosts(this.hostSets.values.flatMap((entries, index) => hostNames(entries, index + 1))),
    };
  }
}

/** Values by number, from 0; those of equal text have one. */
class Numbered<Value extends object> {
  readonly values: Value[] = [];
  private readonly texts = new Map<string, number>();
  // The texts of long lists are long, and rules that were made of one share theirs.
  private readonly known = new Map<Value, number>();

  of(value: Value, print: (value: Value) => string): number {
    const seen = this.known.get(value);
    if (seen !== undefined) return seen;
    const text = print(value);
    const index = this.texts.get(text) ?? this.values.push(value) - 1;
    this.texts.set(text, index);
    this.known.set(value, index);
    return index;
  }
}

function hostNames(entries: readonly string[], set: number): HostName[] {
  return entries.map((entry) => {
    const exact = entry.startsWith("=");
    return { name: exact ? entry.slice(1) : entry, exact, set };
  });
}

function textOfRanges({ ipv4, ipv6 }: AddressRanges): string {
  return [ipv4, ipv6].map((ranges) => ranges.map(({ first, last }) => `${first}-${last}`).join()).join(" ");
}

function checkedSets(sets: readonly AddressRanges[]): readonly AddressRanges[] {
  if (sets.length > ADDRESS_SETS_MAX) throw limitError("different lists of addresses", ADDRESS_SETS_MAX, sets.length);
  for (const { ipv4, ipv6 } of sets) {
    const most = Math.max(ipv4.length, ipv6.length);
    if (most > ADDRESS_RANGES_MAX) throw limitError("address ranges of one family", ADDRESS_RANGES_MAX, most);
  }
  return sets;
}

function limitError(thing: string, most: number, found: number): ProfileError {
  const message = `${thing}: expected at most ${most} in the table, found ${found}`;
  return new ProfileError("E_RULES_LIMIT", [{ message }], "rule table");
}
