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

import { defaultForm } from "./sockets/of-form.ts";
import type { StreamForm } from "./sockets/sockets.ts";

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

/** Techniques of the native form alone: they need to change what the system will send again. */
const NATIVE_ALONE: Partial<Record<Operation["technique"], string>> = {
  fake: "needs Linux's own sockets: no octets can be changed behind a socket",
};

/** Why sockets of a form cannot carry an operation out; undefined: they can. The one place that decides it. */
function refusal(kind: Clause["kind"], operation: Operation, form: StreamForm): string | undefined {
  const refused = socketRefusal(kind, operation);
  if (refused !== undefined || form === "native") return refused;
  const why = NATIVE_ALONE[operation.technique];
  return why && (process.platform === "linux" ? `${why} in the portable form` : `${why} on ${process.platform}`);
}

/**
 * The rules of a profile for sockets. Techniques that sockets cannot carry out are left out of the strategies.
 * @throws ProfileError E_RULES_LIMIT when the profile has more rules, names or addresses than a table holds
 */
export function relayRules(profile: Profile, form: StreamForm = defaultForm()): RelayRules {
  const { table, rules } = encodeStreamRules(profile);
  const possible = rules.map(({ clause, ...rule }) => {
    const operations = clause?.operations.filter((operation) => refusal(clause.kind, operation, form) === undefined);
    const isLeft = clause === undefined || operations === undefined || operations.length === 0;
    return { ...rule, clause: isLeft ? undefined : { kind: clause.kind, operations } };
  });
  return { table, rules: possible, payloads: profile.payloads };
}

/** What of the strategies for tls and http sockets leave out, rule by rule. */
export function leftOut(profile: Profile, form: StreamForm = defaultForm()): readonly LeftOut[] {
  const { rules } = encodeStreamRules(profile);
  return rules.flatMap(({ name, clause }) =>
    (clause?.operations ?? []).flatMap((operation) => {
      const why = clause && refusal(clause.kind, operation, form);
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
