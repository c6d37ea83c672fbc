// Policy rules: which routing table a packet is looked up in. Source: linux/fib_rules.h.
import { DeviceError } from "@bunnel/device";
import { fromCString } from "@bunnel/ffi";
import { NetlinkMessage, parseAttributes, type ReceivedMessage } from "../netlink/index.ts";
import { formatPrefix, parsePrefix, type IpPrefix } from "./address-text.ts";
import { familyOf, header, i32Of, systemFamily, u32At, u32Of, u8At, type Attributes } from "./octets.ts";
import { checkLinkName } from "./links.ts";

export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;
const RTM_GETRULE = 34;
const RULE_HEADER_BYTES = 12;

const FRA_DST = 1;
const FRA_SRC = 2;
const FRA_IIFNAME = 3;
const FRA_GOTO = 4;
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_SUPPRESS_PREFIXLEN = 14;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_OIFNAME = 17;
const FRA_UID_RANGE = 20;

const FR_ACT_TO_TBL = 1;
const FR_ACT_GOTO = 2;
const FIB_RULE_INVERT = 2;
const TABLE_IN_HEADER_MAX = 255;
const WHOLE_MASK = 0xffffffff;

/** What a packet must have, all of it, and where it is looked up then. The smallest priority is tried first. */
export interface RuleSpec {
  readonly family: 4 | 6;
  readonly priority: number;
  /** The packet's mark under `mask` equals this. */
  readonly mark?: number;
  /** Default: all bits. */
  readonly mask?: number;
  readonly table?: number;
  /** The interface that it came in by; "lo": it comes from this machine. */
  readonly inInterface?: string;
  /** The interface that its socket is bound to. */
  readonly outInterface?: string;
  /** A route of at most this prefix length does not count: 0 passes over the default route. */
  readonly suppressPrefixLength?: number;
  readonly from?: string;
  readonly to?: string;
  /** First and last user id of the socket's owner. */
  readonly uidRange?: readonly [first: number, last: number];
  /** Priority of the rule to go on with, instead of a table. */
  readonly goto?: number;
}

export interface RuleInfo extends RuleSpec {
  /** FR_ACT_*: 1 look up, 2 go to, 3 nothing, 6 drop, 7 unreachable, 8 prohibited. */
  readonly action: number;
  /** The whole selector counts inverted. */
  readonly invert: boolean;
}

export function dumpRules(family: 4 | 6): NetlinkMessage {
  return new NetlinkMessage(RTM_GETRULE, 0, ruleHeader({ family: systemFamily(family) }));
}

/** @throws DeviceError E_DEVICE_OPTION when it has neither table nor goto, or texts cannot be read */
export function ruleRequest(type: number, flags: number, spec: RuleSpec): NetlinkMessage {
  if ((spec.table === undefined) === (spec.goto === undefined)) {
    const found = spec.table === undefined ? "neither" : "both";
    throw new DeviceError("E_DEVICE_OPTION", `rule ${spec.priority}: expected a table or a goto, found ${found}`);
  }
  const from = prefixOf(spec, spec.from);
  const to = prefixOf(spec, spec.to);
  const table = spec.table ?? 0;
  const message = new NetlinkMessage(
    type,
    flags,
    ruleHeader({
      family: systemFamily(spec.family),
      toLength: to?.prefixLength ?? 0,
      fromLength: from?.prefixLength ?? 0,
      table: table > TABLE_IN_HEADER_MAX ? 0 : table,
      action: spec.goto === undefined ? FR_ACT_TO_TBL : FR_ACT_GOTO,
    }),
  );
  message.u32(FRA_PRIORITY, spec.priority);
  if (spec.table !== undefined) message.u32(FRA_TABLE, table);
  if (spec.goto !== undefined) message.u32(FRA_GOTO, spec.goto);
  if (from) message.attr(FRA_SRC, from.octets);
  if (to) message.attr(FRA_DST, to.octets);
  if (spec.inInterface !== undefined) message.string(FRA_IIFNAME, checkLinkName(spec.inInterface));
  if (spec.outInterface !== undefined) message.string(FRA_OIFNAME, checkLinkName(spec.outInterface));
  if (spec.mark !== undefined) message.u32(FRA_FWMARK, spec.mark).u32(FRA_FWMASK, spec.mask ?? WHOLE_MASK);
  if (spec.suppressPrefixLength !== undefined) message.u32(FRA_SUPPRESS_PREFIXLEN, spec.suppressPrefixLength);
  if (spec.uidRange) message.attr(FRA_UID_RANGE, header([4, spec.uidRange[0]], [4, spec.uidRange[1]]));
  return message;
}

export function parseRule({ payload }: ReceivedMessage): RuleInfo | undefined {
  if (payload.length < RULE_HEADER_BYTES) return undefined;
  const family = familyOf(u8At(payload, 0));
  if (!family) return undefined;
  const attributes = parseAttributes(payload.subarray(RULE_HEADER_BYTES));
  const action = u8At(payload, 7);
  const inInterface = attributes.get(FRA_IIFNAME);
  const outInterface = attributes.get(FRA_OIFNAME);
  const from = attributes.get(FRA_SRC);
  const to = attributes.get(FRA_DST);
  const suppress = i32Of(attributes, FRA_SUPPRESS_PREFIXLEN) ?? -1;
  return {
    family,
    priority: u32Of(attributes, FRA_PRIORITY) ?? 0,
    ...markOf(attributes),
    ...(action === FR_ACT_TO_TBL ? { table: u32Of(attributes, FRA_TABLE) ?? u8At(payload, 4) } : {}),
    ...(inInterface ? { inInterface: fromCString(inInterface) } : {}),
    ...(outInterface ? { outInterface: fromCString(outInterface) } : {}),
    ...(suppress < 0 ? {} : { suppressPrefixLength: suppress }),
    ...(from ? { from: formatPrefix(from, u8At(payload, 2)) } : {}),
    ...(to ? { to: formatPrefix(to, u8At(payload, 1)) } : {}),
    ...uidRangeOf(attributes),
    ...(action === FR_ACT_GOTO ? { goto: u32Of(attributes, FRA_GOTO) ?? 0 } : {}),
    action,
    invert: (u32At(payload, 8) & FIB_RULE_INVERT) !== 0,
  };
}

function prefixOf(spec: RuleSpec, text: string | undefined): IpPrefix | undefined {
  const prefix = text === undefined ? undefined : parsePrefix(text);
  if (prefix && prefix.family !== spec.family) {
    throw new DeviceError(
      "E_DEVICE_OPTION",
      `rule ${spec.priority}: expected IPv${spec.family} prefixes, found "${text}"`,
    );
  }
  return prefix;
}

interface RuleHeader {
  readonly family: number;
  readonly toLength?: number;
  readonly fromLength?: number;
  readonly table?: number;
  readonly action?: number;
}

/** | family | to length | from length | tos | table | 0 | 0 | action | flags u32 |, u8 each but the last */
function ruleHeader({ family, toLength = 0, fromLength = 0, table = 0, action = 0 }: RuleHeader): Uint8Array {
  const octets = [family, toLength, fromLength, 0, table, 0, 0, action].map((value) => [1, value] as const);
  return header(...octets, [4, 0]);
}

function markOf(attributes: Attributes): { mark?: number; mask?: number } {
  const mark = u32Of(attributes, FRA_FWMARK) ?? 0;
  const mask = u32Of(attributes, FRA_FWMASK) ?? 0;
  return mark === 0 && mask === 0 ? {} : { mark, mask };
}

function uidRangeOf(attributes: Attributes): { uidRange?: [number, number] } {
  const range = attributes.get(FRA_UID_RANGE);
  return range && range.length >= 8 ? { uidRange: [u32At(range, 0), u32At(range, 4)] } : {};
}
