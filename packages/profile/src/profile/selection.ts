// Which packets the rules can ask for, so that interception brings up no others.
import { ProfileError } from "../errors.ts";
import { egressOf } from "../notation/egress.ts";
import { isStreamKind, KINDS, streamPorts, type Kind } from "../notation/kinds.ts";
import type { Profile, Rule } from "./profile.ts";

/** Destination ports per kind of message, ascending. For tls and syn none means any. A kind left out is not wanted. */
export interface ProfileSelection {
  readonly tls?: readonly number[];
  readonly http?: readonly number[];
  readonly quic?: readonly number[];
  readonly dns?: readonly number[];
  readonly syn?: readonly number[];
  /** TCP ports of which every packet is wanted, because the rules carry such flows by sockets; none: any. */
  readonly stream?: readonly number[];
}

/**
 * What a rule without ports means for kinds that interception cannot tell from other traffic on just any port;
 * undefined: any port. RFC 9110 section 4.2.1, RFC 9114 section 3.1, RFC 1035 section 4.2.1.
 */
const USUAL_PORT: Readonly<Record<Kind, number | undefined>> = {
  tls: undefined,
  http: 80,
  quic: 443,
  dns: 53,
  syn: undefined,
};
/** Ports that interception tells apart. */
const STREAM_PORTS_MAX = 64;
/** Ports that interception is asked to list one by one. */
const PORTS_MAX = 1024;

/**
 * What interception must select: everything that an enabled rule would rewrite or drop. Rules that leave messages alone
 * select nothing. Of rules whose flows leave by sockets, tls and http select all packets of their ports.
 * @throws ProfileError E_RULES_LIMIT when rules for HTTP, QUIC or DNS name more than 1024 ports
 */
export function selectionOf(profile: Profile): ProfileSelection {
  const stream = streamPortsOf(profile);
  return Object.fromEntries([
    ...KINDS.flatMap((kind) => {
      const rules = rulesFor(profile, kind);
      return rules.length === 0 ? [] : [[kind, portsFor(kind, rules)] as const];
    }),
    ...(stream ? [["stream", stream] as const] : []),
  ]);
}

/** Undefined: no rule wants any. */
function streamPortsOf({ rules }: Profile): readonly number[] | undefined {
  const ports = rules
    .filter((rule) => rule.enabled && egressOf(rule) === "stream")
    .flatMap((rule) => {
      const kinds = rule.strategy.clauses.filter(({ kind, operations }) => isStreamKind(kind) && operations.length > 0);
      if (kinds.length === 0) return [];
      return rule.ports.length > 0 ? listPorts([rule]) : kinds.flatMap(({ kind }) => streamPorts(kind));
    });
  if (ports.length === 0) return undefined;
  const each = [...new Set(ports)].toSorted((a, b) => a - b);
  // The rules look at the port again, so a long list may as well be any port.
  return each.length > STREAM_PORTS_MAX ? [] : each;
}

function rulesFor(profile: Profile, kind: Kind): readonly Rule[] {
  return profile.rules.filter(
    (rule) =>
      rule.enabled &&
      !(isStreamKind(kind) && egressOf(rule) === "stream") &&
      rule.strategy.clauses.some((clause) => clause.kind === kind && clause.operations.length > 0),
  );
}

function portsFor(kind: Kind, rules: readonly Rule[]): readonly number[] {
  const usual = USUAL_PORT[kind];
  const isAny = rules.some(({ ports }) => ports.length === 0);
  if (isAny && usual === undefined) return [];
  const ports = listPorts(rules);
  if (isAny && usual !== undefined && !ports.includes(usual)) ports.push(usual);
  if (ports.length <= PORTS_MAX) return ports.toSorted((a, b) => a - b);
  // The rules look at the port again, so a long list may as well be any port.
  if (usual === undefined) return [];
  const message = `ports of rules for ${kind}: expected at most ${PORTS_MAX} together, found ${ports.length}`;
  throw new ProfileError("E_RULES_LIMIT", [{ message }], "profile");
}

function listPorts(rules: readonly Rule[]): number[] {
  const ports = new Set<number>();
  for (const { first, last } of rules.flatMap((rule) => rule.ports)) {
    for (let port = first; port <= last; port += 1) ports.add(port);
  }
  return [...ports].toSorted((a, b) => a - b);
}
