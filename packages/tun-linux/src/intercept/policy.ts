// Policy rules and routes: which packets the system looks up in our table, and what stands there. They are data, so
// that what is added, removed, found again and told to people is one and the same.
import type { NumberRange } from "@bunnel/device";
import { TABLE_MAIN, type RouteInfo, type RouteSpec } from "../netcfg/routes.ts";
import type { RuleInfo, RuleSpec } from "../netcfg/rules.ts";
import {
  CLOSED_METRIC,
  FORWARDED_MARK,
  LAST_TABLE,
  OUR_MARK,
  OUR_PROTOCOL,
  SELECTED_MARK,
  PRIORITY_DIRECT,
  PRIORITY_LAST,
  PRIORITY_NARROWER,
  PRIORITY_OWN,
  PRIORITY_SELECTED,
  ROUTE_TABLE,
} from "./marks.ts";

export type Family = 4 | 6;

/**
 * nft mode: what the nftables rules have marked takes our table. They mark nothing that has our own mark, so that a
 * packet with both bits is somebody else's: wg-quick(8) marks with 0xca6c.
 */
export function markedRules(family: Family): RuleSpec[] {
  const mask = SELECTED_MARK | OUR_MARK;
  return [{ ...madeByUs(family, PRIORITY_SELECTED), mark: SELECTED_MARK, mask, table: ROUTE_TABLE }];
}

/** nft mode: what is forwarded from these interfaces and has been marked. */
export function forwardedRules(family: Family, interfaces: readonly string[]): RuleSpec[] {
  const marked = { ...madeByUs(family, PRIORITY_SELECTED), mark: FORWARDED_MARK, mask: FORWARDED_MARK };
  return interfaces.map((inInterface) => ({ ...marked, inInterface, table: ROUTE_TABLE }));
}

/**
 * Rules mode: whatever this machine sends (or these of its users) takes our table, but for our own packets and for all
 * that has a route other than a default route. "lo" is where packets of this machine come from: what it forwards for
 * others stays untouched.
 *
 * IPv4 looks for such a route first. IPv6 cannot: what the system has learnt of the path to one address is to it a
 * route of 128 bits, and no rule tells that from a narrower route. So our table comes first there and throws back what
 * has a narrower route (`NarrowerRoutes`).
 */
export function everythingRules(family: Family, users: readonly NumberRange[] = []): RuleSpec[] {
  const own = { ...madeByUs(family, PRIORITY_OWN), mark: OUR_MARK, mask: OUR_MARK, table: TABLE_MAIN };
  const narrower = { table: TABLE_MAIN, suppressPrefixLength: 0 };
  const selected = ofUsers({ ...madeByUs(family, PRIORITY_SELECTED), inInterface: "lo", table: ROUTE_TABLE }, users);
  if (family === 4) return [own, { ...madeByUs(family, PRIORITY_DIRECT), ...narrower }, ...selected];
  const last = ofUsers({ ...madeByUs(family, PRIORITY_LAST), inInterface: "lo", table: LAST_TABLE }, users);
  return [own, ...selected, { ...madeByUs(family, PRIORITY_NARROWER), ...narrower }, ...last];
}

function madeByUs(family: Family, priority: number): RuleSpec {
  return { family, priority, protocol: OUR_PROTOCOL };
}

function ofUsers(rule: RuleSpec, users: readonly NumberRange[]): RuleSpec[] {
  return users.length === 0 ? [rule] : users.map(({ first, last }) => ({ ...rule, uidRange: [first, last] }));
}

/** The tables with a route into the device. */
export function tablesOf(method: "nft" | "rules", family: Family): readonly number[] {
  return method === "rules" && family === 6 ? [ROUTE_TABLE, LAST_TABLE] : [ROUTE_TABLE];
}

/** Rules mode: users whose packets are left alone. */
export function exceptedUsers(family: Family, { first, last }: NumberRange): RuleSpec {
  return { ...madeByUs(family, PRIORITY_DIRECT), uidRange: [first, last], table: TABLE_MAIN };
}

/** Rules mode: a destination that is left alone. */
export function exceptionRule(destination: string): RuleSpec {
  const family = destination.includes(":") ? 6 : 4;
  return { ...madeByUs(family, PRIORITY_DIRECT), to: destination, table: TABLE_MAIN };
}

/** The route of our tables. It vanishes with the device, and packets then go on to the next rule. */
export function deviceRoute(family: Family, table: number, deviceIndex: number, source?: string): RouteSpec {
  return { family, index: deviceIndex, table, protocol: OUR_PROTOCOL, ...(source === undefined ? {} : { source }) };
}

/** What is left of our tables when the device is gone, where a kill switch was asked for. */
export function closedRoute(family: Family, table: number): RouteSpec {
  return { family, table, type: "unreachable", metric: CLOSED_METRIC, protocol: OUR_PROTOCOL };
}

/** Whether a route of one of our tables is that of a kill switch. */
export function isClosedRoute({ type, metric }: RouteInfo): boolean {
  return type === "unreachable" && metric === CLOSED_METRIC;
}

/** Whether a rule that the system has is exactly this one, with no selector more or less. */
export function isRule(found: RuleInfo, spec: RuleSpec): boolean {
  if (found.unread) return false;
  const names = Object.keys(UNSAID) as (keyof RuleSpec)[];
  return names.every((name) => Bun.deepEquals(found[name] ?? UNSAID[name], spec[name] ?? UNSAID[name]));
}

/** Whether a rule has all that this one names, and perhaps more. */
export function hasAllOf(found: RuleInfo, spec: RuleSpec): boolean {
  const named = Object.entries(spec) as [keyof RuleSpec, unknown][];
  return named.every(([name, value]) => Bun.deepEquals(found[name] ?? UNSAID[name], value));
}

/** Every word of a rule, with what it is when it is not said; the type holds it to all of them, also new ones. */
const UNSAID: { readonly [Name in keyof Required<RuleSpec>]: RuleSpec[Name] | undefined } = {
  family: undefined,
  priority: undefined,
  type: "lookup",
  mark: undefined,
  mask: undefined,
  table: undefined,
  inInterface: undefined,
  outInterface: undefined,
  suppressPrefixLength: undefined,
  suppressInterfaceGroup: undefined,
  from: undefined,
  to: undefined,
  tos: undefined,
  uidRange: undefined,
  ipProtocol: undefined,
  sourcePorts: undefined,
  destinationPorts: undefined,
  goto: undefined,
  invert: false,
  vrf: undefined,
  protocol: undefined,
};

/** "ip rule 9000 fwmark 0x8000 lookup 4000 (IPv4)" */
export function describeRule(rule: RuleSpec): string {
  const words = [`ip rule ${rule.priority}`];
  if (rule.from !== undefined) words.push(`from ${rule.from}`);
  if (rule.to !== undefined) words.push(`to ${rule.to}`);
  if (rule.inInterface !== undefined) words.push(`iif ${rule.inInterface}`);
  if (rule.uidRange !== undefined) words.push(`uidrange ${rule.uidRange.join("-")}`);
  if (rule.mark !== undefined) words.push(`fwmark 0x${rule.mark.toString(16)}`);
  if (rule.type === "nop") words.push("nop");
  else words.push(`lookup ${rule.table === TABLE_MAIN ? "main" : rule.table}`);
  if (rule.suppressPrefixLength !== undefined) words.push(`suppress_prefixlength ${rule.suppressPrefixLength}`);
  return `${words.join(" ")} (IPv${rule.family})`;
}

/** The interfaces by which a route leads, one or several. */
export function hopIndices({ index, hops }: RouteInfo): number[] {
  return [...(index === undefined ? [] : [index]), ...hops.map((hop) => hop.index)];
}
