// The rules of a profile as a relay looks them up: all that are for tls and http, whichever egress they ask for.
import { egressOf } from "../notation/egress.ts";
import { isStreamKind } from "../notation/kinds.ts";
import type { Clause } from "../notation/strategy.ts";
import type { Profile, Rule } from "../profile/profile.ts";
import { encodeRules } from "./encode.ts";
import { tableRules } from "./table-rules.ts";

/** What a rule of such a table is for. */
export interface StreamRule {
  readonly name: string;
  /** Among the profile's rules. Undefined: it is what `[exclude]` says. */
  readonly ruleIndex: number | undefined;
  /** How the profile has its flows leave. */
  readonly egress: "packet" | "stream";
  /** Undefined: the message is left alone. */
  readonly clause: Clause | undefined;
}

/** Rules by the numbers that `matchRule` gives for the table. */
export interface StreamTable {
  readonly table: Uint8Array;
  readonly rules: readonly StreamRule[];
}

/**
 * The table for `matchRule`, and what its rules do. Its strategies are stand-ins, so that no engine may be given it.
 * The packets that a rule is limited to do not count: a stream has one first message.
 * @throws ProfileError E_RULES_LIMIT when the profile has more rules, names or addresses than a table holds
 */
export function encodeStreamRules(profile: Profile): StreamTable {
  const standIn: Profile = { ...profile, payloads: {}, rules: profile.rules.map(standInRule) };
  const rules = tableRules(standIn).map(({ name, ruleIndex, kinds }): StreamRule => {
    const rule = ruleIndex === undefined ? undefined : profile.rules[ruleIndex];
    const clause = rule?.strategy.clauses.find(({ kind }) => kinds.includes(kind));
    const isTreated = clause !== undefined && clause.operations.length > 0;
    return { name, ruleIndex, egress: rule ? egressOf(rule) : "packet", clause: isTreated ? clause : undefined };
  });
  return { table: encodeRules(standIn, { seed: 0 }), rules };
}

function standInRule(rule: Rule): Rule {
  const { packets: _packets, ...rest } = rule;
  const clauses = rule.strategy.clauses
    .filter(({ kind }) => isStreamKind(kind))
    .map(({ kind, operations }): Clause => {
      return { kind, operations: operations.length === 0 ? [] : [{ technique: "drop" }] };
    });
  return { ...rest, egress: "packet", strategy: { clauses } };
}
