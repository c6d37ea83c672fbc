// Which packets the rules can ask for, so that interception brings up no others.
import { ProfileError } from "../errors.ts";
import type { Kind } from "../notation/strategy.ts";
import type { Profile, Rule } from "./profile.ts";

/** Destination ports per kind of message, ascending. For tls, none means any. A kind left out is not asked for. */
export interface ProfileSelection {
  readonly tls?: readonly number[];
  readonly http?: readonly number[];
}

/** What a rule without ports means for HTTP: interception cannot tell a request on just any port from other traffic. */
const HTTP_PORT = 80;
/** Ports that interception is asked to list one by one. */
const PORTS_MAX = 1024;

/**
 * What interception must select: everything that an enabled rule would rewrite. Rules that leave messages alone select
 * nothing.
 * @throws ProfileError E_RULES_LIMIT when rules for HTTP name more than 1024 ports
 */
export function selectionOf(profile: Profile): ProfileSelection {
  const tls = rulesFor(profile, "tls");
  const http = rulesFor(profile, "http");
  return {
    ...(tls.length === 0 ? {} : { tls: tlsPorts(tls) }),
    ...(http.length === 0 ? {} : { http: httpPorts(http) }),
  };
}

function rulesFor(profile: Profile, kind: Kind): readonly Rule[] {
  return profile.rules.filter(
    ({ enabled, strategy }) =>
      enabled && strategy.clauses.some((clause) => clause.kind === kind && clause.operations.length > 0),
  );
}

function tlsPorts(rules: readonly Rule[]): readonly number[] {
  if (rules.some(({ ports }) => ports.length === 0)) return [];
  const ports = listPorts(rules);
  // The rules look at the port again, so a long list may as well be any port.
  return ports.length > PORTS_MAX ? [] : ports;
}

function httpPorts(rules: readonly Rule[]): readonly number[] {
  const ports = listPorts(rules);
  if (rules.some((rule) => rule.ports.length === 0) && !ports.includes(HTTP_PORT)) ports.push(HTTP_PORT);
  if (ports.length <= PORTS_MAX) return ports.toSorted((a, b) => a - b);
  const message = `ports of rules for http: expected at most ${PORTS_MAX} together, found ${ports.length}`;
  throw new ProfileError("E_RULES_LIMIT", [{ message }], "profile");
}

function listPorts(rules: readonly Rule[]): number[] {
  const ports = new Set<number>();
  for (const { first, last } of rules.flatMap((rule) => rule.ports)) {
    for (let port = first; port <= last; port += 1) ports.add(port);
  }
  return [...ports].toSorted((a, b) => a - b);
}
