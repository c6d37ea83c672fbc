// The policy rules that a killed run left: how they are known, with its state file or without, and how they are taken
// away with no other one in their stead.
//
// Ours bear our number (OUR_PROTOCOL). Versions before 0.2 gave none: theirs are known by having exactly what those
// would have made and nothing else, and exceptions of theirs by the state file alone: anybody may have such a rule.
import { DeviceError } from "@bunnel/device";
import type { RouteNetlink } from "../netcfg/route-netlink.ts";
import { TABLE_MAIN } from "../netcfg/routes.ts";
import type { RuleInfo, RuleSpec } from "../netcfg/rules.ts";
import {
  FORWARDED_MARK,
  LAST_TABLE,
  OUR_PROTOCOL,
  PRIORITY_DIRECT,
  PRIORITY_NOTE,
  PRIORITY_OWN,
  ROUTE_TABLE,
} from "./marks.ts";
import { describeRule, everythingRules, exceptedUsers, exceptionRule, forwardedRules } from "./policy.ts";
import { hasAllOf, isRule, markedRules, type Family } from "./policy.ts";

const EAFNOSUPPORT = 97;

/** Whether a rule bears our number and does nothing but what rules of ours do. */
export function isMarkedOurs({ protocol, priority, type, table, unread }: RuleInfo): boolean {
  if (protocol !== OUR_PROTOCOL || unread !== undefined) return false;
  if (priority < PRIORITY_OWN || priority > PRIORITY_NOTE) return false;
  return type === "nop" || (table !== undefined && [TABLE_MAIN, ROUTE_TABLE, LAST_TABLE].includes(table));
}

/**
 * Removes what is left of our rules, but for those that are `kept`, and says what that was.
 * @param exceptions the destinations for which a state file says that they had a rule
 */
export function removeLeftRules(
  netlink: RouteNetlink,
  family: Family,
  exceptions: readonly string[],
  kept: readonly RuleSpec[] = [],
): string[] {
  const removed: string[] = [];
  let present = rulesOf(netlink, family);
  for (const rule of leftRules(family, present, exceptions)) {
    // The system removes the first rule that has what we name, and more would not hinder it. So we go on as long as
    // that one is exactly ours.
    for (const candidate of present.filter((other) => hasAllOf(other, rule))) {
      if (!isRule(candidate, rule) || kept.some((spec) => isRule(candidate, spec))) break;
      netlink.removeRule(rule);
      removed.push(describeRule(rule));
      present = present.filter((other) => other !== candidate);
    }
  }
  return removed;
}

/**
 * Looks that nobody else sends packets to our tables: they would come up at the device.
 * @throws DeviceError E_DEVICE_BUSY that names the rule, which is somebody else's and stays
 */
export function expectTablesOurs(netlink: RouteNetlink, family: Family): void {
  const found = rulesOf(netlink, family);
  const ours = leftRules(family, found, []);
  const foreign = found.find(
    (rule) => [ROUTE_TABLE, LAST_TABLE].includes(rule.table ?? 0) && !ours.some((spec) => isRule(rule, spec)),
  );
  if (foreign === undefined) return;
  throw new DeviceError(
    "E_DEVICE_BUSY",
    `route table ${foreign.table}: expected no rule but bunnel's own, found somebody else's: ` +
      `${describeRule(foreign)}; it is left alone, and the table is needed for interception`,
  );
}

/** None where the kernel has no such family. */
export function rulesOf(netlink: RouteNetlink, family: Family): RuleInfo[] {
  try {
    return netlink.rules(family);
  } catch (error) {
    if (error instanceof DeviceError && error.errno === EAFNOSUPPORT) return [];
    throw error;
  }
}

/** Ours among the rules that were found, and all that earlier versions could have made. */
function leftRules(family: Family, found: readonly RuleInfo[], exceptions: readonly string[]): RuleSpec[] {
  // Version 0.1 let IPv6 look for narrower routes as IPv4 does.
  const narrower: RuleSpec = { family, priority: PRIORITY_DIRECT, table: TABLE_MAIN, suppressPrefixLength: 0 };
  const earlier = [
    ...markedRules(family),
    ...everythingRules(family),
    narrower,
    ...exceptions.map(exceptionRule).filter((rule) => rule.family === family),
    ...found.flatMap(variedRules),
  ];
  return [...found.filter(isMarkedOurs).map(specOf), ...earlier.map(withoutNumber)];
}

/** What earlier versions would have made for the users or the interface of a rule that was found. */
function variedRules({ family, uidRange, mark, inInterface }: RuleInfo): RuleSpec[] {
  if (mark === FORWARDED_MARK && inInterface !== undefined) return forwardedRules(family, [inInterface]);
  if (uidRange === undefined) return [];
  const [first, last] = uidRange;
  const included = everythingRules(family, [{ first, last }]).filter((rule) => rule.uidRange !== undefined);
  return [exceptedUsers(family, { first, last }), ...included];
}

/** Without what the system says besides. */
function specOf(found: RuleInfo): RuleSpec {
  const { action: _, unresolved: __, unread: ___, ...spec } = found;
  return spec;
}

function withoutNumber(rule: RuleSpec): RuleSpec {
  const { protocol: _, ...spec } = rule;
  return spec;
}
