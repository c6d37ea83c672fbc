// A profile with what was learnt of hosts: for each strategy a rule of its own, right ahead of the rule that decides
// those hosts otherwise. So whatever goes before that rule still does, and what it leaves to others stays with them.
import {
  egressOf,
  egressRefusals,
  encodeRules,
  matchRule,
  printClause,
  readRuleStrategy,
  tableRules,
  type Clause,
  type Kind,
  type Profile,
  type Rule,
  type TableRule,
} from "@bunnel/profile";
import { hostKey, readHostKey } from "./host-key.ts";

/** Kinds of message that bear a host's name, and the port that they are usually for. */
const KINDS = { tls: 443, http: 80, quic: 443 } as const satisfies Partial<Record<Kind, number>>;
export type HostKind = keyof typeof KINDS;
const HOST_KINDS = Object.keys(KINDS) as HostKind[];
const TCP_KINDS = ["tls", "http"] as const;
const QUIC_KINDS = ["quic"] as const;
/** Above every rule that a profile can have. */
const FIRST_PRIORITY = 1_000_001;
/** What the names of such rules begin with. */
export const LEARNED_PREFIX = "learned";

export interface Learned {
  /** As a rule has it. */
  readonly strategy: string;
  /** Somebody said so: it holds also where the profile leaves the host alone. */
  readonly pinned: boolean;
}

/** Which rules of a profile decide a host. Making it takes as long as making the rule table. */
export class Deciders {
  readonly #table: Uint8Array;
  readonly #rules: readonly TableRule[];

  constructor(readonly profile: Profile) {
    this.#table = encodeRules(profile, { streamRules: "leave" });
    this.#rules = tableRules(profile);
  }

  /** The rule for messages of a host, its index; undefined: none, or it is excluded. */
  rule(host: string, kind: HostKind): number | undefined {
    for (const family of ["ipv4", "ipv6"] as const) {
      const found = this.#rules[matchRule(this.#table, { kind, family, port: KINDS[kind], host })];
      if (found !== undefined) return found.ruleIndex;
    }
    return undefined;
  }

  /** Whether `[exclude]` leaves it alone, whatever rules say. */
  isExcluded(host: string, kind: HostKind): boolean {
    const index = matchRule(this.#table, { kind, family: "ipv4", port: KINDS[kind], host });
    return index >= 0 && this.#rules[index]?.ruleIndex === undefined;
  }

  /** What the profile does with it; undefined: nothing. */
  clause(host: string, kind: HostKind): Clause | undefined {
    const rule = this.profile.rules[this.rule(host, kind) ?? -1];
    const clause = rule?.strategy.clauses.find((each) => each.kind === kind);
    return clause !== undefined && clause.operations.length > 0 ? clause : undefined;
  }
}

/** Hosts that get the same clauses ahead of the same rule. */
interface Group {
  /** Undefined: ahead of all. */
  readonly index: number | undefined;
  readonly clauses: readonly Clause[];
  readonly hosts: string[];
}

/** The profile with a rule ahead for all that was learnt, by host key; itself where that changes nothing. */
export function learnedProfile(deciders: Deciders, learned: ReadonlyMap<string, Learned>): Profile {
  const { profile } = deciders;
  const groups = new Map<string, Group>();
  for (const [hostAs, { strategy, pinned }] of learned) {
    const { host, isQuic } = readHostKey(hostAs);
    // What somebody pinned holds for all; what was learnt of QUIC alone goes before what else was learnt.
    if (isQuic && learned.get(host)?.pinned === true) continue;
    const hasOwn = !isQuic && !pinned && learned.has(hostKey(host, "quic"));
    const kinds = isQuic ? QUIC_KINDS : hasOwn ? TCP_KINDS : HOST_KINDS;
    for (const { index, clauses } of placesOf(deciders, { host, kinds }, strategy, pinned)) {
      const key = `${index} ${clauses.map(printClause).join("  ")}`;
      const group = groups.get(key) ?? { index, clauses, hosts: [] };
      group.hosts.push(`=${host}`);
      groups.set(key, group);
    }
  }
  if (groups.size === 0) return profile;
  const ahead = [...groups.values()].map((group, i) => ({ index: group.index, rule: ruleOf(profile, group, i + 1) }));
  const rules = profile.rules.flatMap((rule, index) => [
    ...ahead.filter((each) => each.index === index).map((each) => each.rule),
    rule,
  ]);
  return { ...profile, rules: [...ahead.filter(({ index }) => index === undefined).map(({ rule }) => rule), ...rules] };
}

/** Where which clauses of a strategy go for a host. */
function placesOf(
  deciders: Deciders,
  { host, kinds }: { readonly host: string; readonly kinds: readonly HostKind[] },
  text: string,
  pinned: boolean,
): { readonly index: number | undefined; readonly clauses: readonly Clause[] }[] {
  const { strategy } = readRuleStrategy(text);
  const places = new Map<number | undefined, Clause[]>();
  for (const kind of kinds) {
    const clause = strategy.clauses.find((each) => each.kind === kind);
    if (clause === undefined) continue;
    const before = deciders.clause(host, kind);
    // What the profile leaves alone is left alone, unless somebody said otherwise of this host.
    const index = before === undefined ? undefined : deciders.rule(host, kind);
    if (before === undefined && !pinned) continue;
    if (before !== undefined && printClause(before) === printClause(clause)) continue;
    if (before !== undefined && !pinned && !isSameWay(deciders.profile.rules[index ?? -1], clause)) continue;
    places.set(index, [...(places.get(index) ?? []), clause]);
  }
  return [...places].map(([index, clauses]) => ({ index, clauses }));
}

/** Whether flows can leave by the same way as now: another one may not have been opened at the start. */
function isSameWay(rule: Rule | undefined, clause: Clause): boolean {
  return rule === undefined || egressRefusals({ clauses: [clause] }, egressOf(rule)).length === 0;
}

function ruleOf(profile: Profile, { index, clauses, hosts }: Group, number: number): Rule {
  const base = profile.rules[index ?? -1];
  const own = {
    name: nameOf(profile, number),
    hosts: hosts.toSorted(),
    strategy: { clauses },
  };
  if (base !== undefined) {
    const { preset: _preset, hostsFile: _hostsFile, ...rest } = base;
    // What sockets carried stays with them, also where packets could do what is done now.
    const isKept = egressOf(base) === "stream" && egressRefusals({ clauses }, "stream").length === 0;
    return { ...rest, ...own, ...(isKept && { egress: "stream" as const }) };
  }
  return {
    ...{ enabled: true, priority: FIRST_PRIORITY, addresses: [], ports: [], families: ["ipv4", "ipv6"] },
    ...{ direction: "both", egress: "auto", carries: ["tcp"], ...own },
  };
}

function nameOf({ rules }: Profile, number: number): string {
  const name = `${LEARNED_PREFIX} ${number}`;
  return rules.some((rule) => rule.name === name) ? `${name} (bunnel)` : name;
}

/** Whether a strategy does something else to a host's messages than what is done now, by the same way out. */
export function changesHost(deciders: Deciders, host: string, kind: HostKind, strategy: string): boolean {
  const { clauses } = readRuleStrategy(strategy).strategy;
  const clause = clauses.find((each) => each.kind === kind);
  const before = deciders.clause(host, kind);
  if (clause === undefined || clause.operations.length === 0 || before === undefined) return false;
  const rule = deciders.profile.rules[deciders.rule(host, kind) ?? -1];
  const hasSyn = rule?.strategy.clauses.some((each) => each.kind === "syn") === true;
  // A SYN that interception does not bring up cannot be changed: such a strategy would be half of itself.
  if (clauses.some((each) => each.kind === "syn") && !hasSyn) return false;
  return printClause(before) !== printClause(clause) && isSameWay(rule, clause);
}
