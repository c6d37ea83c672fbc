// Which rule decides about a message, and what of its strategy sockets carry out.
import {
  encodeStreamRules,
  matchRule,
  socketRefusal,
  type Clause,
  type MessageFacts,
  type NamedPayloads,
  type Operation,
  type Profile,
  type StreamTable,
} from "@bunnel/profile";

/** The rules of a profile, as they travel to the relay's thread. */
export interface RelayRules extends StreamTable {
  readonly payloads: NamedPayloads;
}

/** What a rule has done to a message. */
export interface Decision {
  readonly rule: string;
  /** Undefined: it is left alone. */
  readonly clause: Clause | undefined;
}

/** A technique that is left out, and why. */
export interface LeftOut {
  readonly rule: string;
  readonly kind: string;
  readonly technique: string;
  readonly why: string;
}

/** Techniques that sockets carry out on Linux alone: they need to change what the system will send again. */
const LINUX_ALONE: Partial<Record<Operation["technique"], string>> = {
  fake: "needs Linux: elsewhere a socket's octets cannot be changed behind it",
};

/** Why sockets of a platform cannot carry an operation out; undefined: they can. The one place that decides it. */
function refusal(kind: Clause["kind"], operation: Operation, platform: NodeJS.Platform): string | undefined {
  return socketRefusal(kind, operation) ?? (platform === "linux" ? undefined : LINUX_ALONE[operation.technique]);
}

/**
 * The rules of a profile for sockets. Techniques that sockets cannot carry out are left out of the strategies.
 * @throws ProfileError E_RULES_LIMIT when the profile has more rules, names or addresses than a table holds
 */
export function relayRules(profile: Profile, platform: NodeJS.Platform = process.platform): RelayRules {
  const { table, rules } = encodeStreamRules(profile);
  const possible = rules.map(({ clause, ...rule }) => {
    const operations = clause?.operations.filter(
      (operation) => refusal(clause.kind, operation, platform) === undefined,
    );
    const isLeft = clause === undefined || operations === undefined || operations.length === 0;
    return { ...rule, clause: isLeft ? undefined : { kind: clause.kind, operations } };
  });
  return { table, rules: possible, payloads: profile.payloads };
}

/** What of the strategies for tls and http sockets leave out, rule by rule. */
export function leftOut(profile: Profile, platform: NodeJS.Platform = process.platform): readonly LeftOut[] {
  const { rules } = encodeStreamRules(profile);
  return rules.flatMap(({ name, clause }) =>
    (clause?.operations ?? []).flatMap((operation) => {
      const why = clause && refusal(clause.kind, operation, platform);
      return why === undefined || clause === undefined
        ? []
        : [{ rule: name, kind: clause.kind, technique: operation.technique, why }];
    }),
  );
}

/** The rule that decides about a message; undefined: none is for it. */
export function decide({ table, rules }: RelayRules, facts: MessageFacts): Decision | undefined {
  const rule = rules[matchRule(table, facts)];
  return rule && { rule: rule.name, clause: rule.clause };
}
