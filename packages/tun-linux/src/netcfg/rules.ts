// Policy rules: which routing table a packet is looked up in. Source: linux/fib_rules.h.
import { DeviceError } from "@bunnel/device";
import { NetlinkMessage, parseAttributes, type ReceivedMessage } from "../netlink/index.ts";
import { formatPrefix, parsePrefix, type IpPrefix } from "./address-text.ts";
import { checkNumber, checkWhole, numberOfName, U16_MAX, U32_MAX, U8_MAX } from "./check.ts";
import { checkLinkName } from "./links.ts";
import {
  defined,
  familyOf,
  header,
  i32Of,
  ipOf,
  systemFamily,
  textOf,
  u16At,
  u32At,
  u32Of,
  u8At,
  u8Of,
  unreadOf,
  type Attributes,
} from "./octets.ts";

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
const FRA_SUPPRESS_IFGROUP = 13;
const FRA_SUPPRESS_PREFIXLEN = 14;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_OIFNAME = 17;
const FRA_L3MDEV = 19;
const FRA_UID_RANGE = 20;
const FRA_PROTOCOL = 21;
const FRA_IP_PROTO = 22;
const FRA_SPORT_RANGE = 23;
const FRA_DPORT_RANGE = 24;
/** Attributes that have a word in `RuleInfo`, and padding (18). */
const READ_ATTRIBUTES: ReadonlySet<number> = new Set([
  ...[FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_GOTO, FRA_PRIORITY, FRA_FWMARK, FRA_FWMASK, FRA_OIFNAME, FRA_TABLE],
  ...[FRA_SUPPRESS_IFGROUP, FRA_SUPPRESS_PREFIXLEN, FRA_L3MDEV, FRA_UID_RANGE, FRA_PROTOCOL, FRA_IP_PROTO],
  ...[FRA_SPORT_RANGE, FRA_DPORT_RANGE, 18],
]);

const FIB_RULE_INVERT = 2;
const FIB_RULE_UNRESOLVED = 4;
const TABLE_IN_HEADER_MAX = 255;
const PREFIX_MAX = 128;
const UID_MAX = U32_MAX - 1;
/** The kernel takes no range that ends with the last port. */
const PORT_MAX = U16_MAX - 1;

/** What happens to a packet that a rule fits; the numbers FR_ACT_* are the places in this list. */
const RULE_TYPES = ["unspec", "lookup", "goto", "nop", "res3", "res4", "blackhole", "unreachable", "prohibit"] as const;
/** What a rule does with packets that it fits: lookup, goto, nop, blackhole, unreachable, prohibit. */
export type RuleType = Exclude<(typeof RULE_TYPES)[number], "unspec" | "res3" | "res4">;

/** What a packet must have, all of it, and where it is looked up then. The smallest priority is tried first. */
export interface RuleSpec {
  readonly family: 4 | 6;
  readonly priority: number;
  /**
   * "lookup" in `table`, or go on at the rule `goto`: these need not be said. "nop" goes on with the next rule;
   * "blackhole" drops, "unreachable" and "prohibit" answer with an ICMP error.
   */
  readonly type?: RuleType;
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
  /** A route out by an interface of this group does not count. */
  readonly suppressInterfaceGroup?: number;
  readonly from?: string;
  readonly to?: string;
  /** IPv4: type of service, of which the kernel takes bits 0x1c; IPv6: traffic class without its two lowest bits. */
  readonly tos?: number;
  /** First and last user id of the socket's owner. */
  readonly uidRange?: readonly [first: number, last: number];
  /** Number of the transport protocol: 6 TCP, 17 UDP. */
  readonly ipProtocol?: number;
  /** First and last port, 1 to 65534. */
  readonly sourcePorts?: readonly [first: number, last: number];
  readonly destinationPorts?: readonly [first: number, last: number];
  /** Priority of the rule to go on with, instead of a table. */
  readonly goto?: number;
  /** The whole selector counts inverted: all packets but those that have it. Default false. */
  readonly invert?: boolean;
  /** Look it up in the table of the VRF that its interface belongs to, instead of `table`. */
  readonly vrf?: boolean;
  /** Who made it, 0 to 255; only told back. Default 0. */
  readonly protocol?: number;
}

/** A rule as it is. It can be given back as a RuleSpec. */
export interface RuleInfo extends RuleSpec {
  /** FR_ACT_*: 1 look up, 2 go to, 3 nothing, 6 drop, 7 unreachable, 8 prohibited. */
  readonly action: number;
  /** The whole selector counts inverted. */
  readonly invert: boolean;
  /** No rule has the priority of its `goto`: it goes on with the next. */
  readonly unresolved?: boolean;
  /**
   * Numbers of attributes (FRA_* of linux/fib_rules.h) that are not read here: the rule takes fewer packets, or does
   * more, than the words say. Such a rule cannot be given back to be made.
   */
  readonly unread?: readonly number[];
}

export function dumpRules(family: 4 | 6): NetlinkMessage {
  return new NetlinkMessage(RTM_GETRULE, 0, ruleHeader({ family: systemFamily(family) }));
}

/**
 * @throws DeviceError E_DEVICE_OPTION when its type and its target do not fit, or texts and numbers cannot be;
 * E_UNSUPPORTED for a rule that was listed with attributes that are not read here
 */
export function ruleRequest(type: number, flags: number, spec: RuleSpec): NetlinkMessage {
  if (type === RTM_NEWRULE) checkWhole(`rule ${spec.priority}`, spec);
  const action = numberOfName("rule type", RULE_TYPES, typeOf(spec));
  const from = prefixOf(spec, spec.from);
  const to = prefixOf(spec, spec.to);
  const table = checkNumber("table", spec.table ?? 0, U32_MAX);
  const message = new NetlinkMessage(
    type,
    flags,
    ruleHeader({
      family: systemFamily(spec.family),
      toLength: to?.prefixLength ?? 0,
      fromLength: from?.prefixLength ?? 0,
      tos: checkNumber("tos", spec.tos ?? 0, U8_MAX),
      table: table > TABLE_IN_HEADER_MAX ? 0 : table,
      action,
      flags: spec.invert ? FIB_RULE_INVERT : 0,
    }),
  );
  message.u32(FRA_PRIORITY, checkNumber("priority", spec.priority, U32_MAX));
  if (spec.table !== undefined) message.u32(FRA_TABLE, table);
  if (spec.goto !== undefined) message.u32(FRA_GOTO, checkNumber("goto", spec.goto, U32_MAX));
  if (from) message.attr(FRA_SRC, from.octets);
  if (to) message.attr(FRA_DST, to.octets);
  addSelectors(message, spec);
  return message;
}

export function parseRule({ payload }: ReceivedMessage): RuleInfo | undefined {
  if (payload.length < RULE_HEADER_BYTES) return undefined;
  const family = familyOf(u8At(payload, 0));
  if (!family) return undefined;
  const attributes = parseAttributes(payload.subarray(RULE_HEADER_BYTES));
  const action = u8At(payload, 7);
  const type = RULE_TYPES[action];
  const from = ipOf(attributes, FRA_SRC);
  const to = ipOf(attributes, FRA_DST);
  const flags = u32At(payload, 8);
  const vrf = u8Of(attributes, FRA_L3MDEV) === 1;
  const isLookup = type === "lookup" && !vrf;
  return {
    family,
    priority: u32Of(attributes, FRA_PRIORITY) ?? 0,
    ...(type === undefined || type === "unspec" || type === "res3" || type === "res4" ? {} : { type }),
    ...markOf(attributes),
    ...defined({
      table: isLookup ? (u32Of(attributes, FRA_TABLE) ?? u8At(payload, 4)) : undefined,
      from: from && formatPrefix(from, u8At(payload, 2)),
      to: to && formatPrefix(to, u8At(payload, 1)),
      goto: type === "goto" ? (u32Of(attributes, FRA_GOTO) ?? 0) : undefined,
      tos: unlessZero(u8At(payload, 3)),
      vrf: vrf ? true : undefined,
      unresolved: flags & FIB_RULE_UNRESOLVED ? true : undefined,
      unread: unreadOf(attributes, READ_ATTRIBUTES),
    }),
    ...selectorsOf(attributes),
    action,
    invert: (flags & FIB_RULE_INVERT) !== 0,
  };
}

/** What is not said follows from the target; exactly one target fits a type. */
function typeOf(spec: RuleSpec): RuleType {
  const targets = [spec.table !== undefined, spec.goto !== undefined, spec.vrf === true].filter(Boolean).length;
  const type = spec.type ?? (spec.goto === undefined ? "lookup" : "goto");
  const wants = type === "lookup" || type === "goto" ? 1 : 0;
  if (targets === wants && (type === "goto") === (spec.goto !== undefined)) return type;
  const expected = wants === 0 ? "no target" : "a table or a goto";
  const found = targets === 0 ? "neither" : targets === 1 ? "another target" : "both";
  throw new DeviceError("E_DEVICE_OPTION", `rule ${spec.priority}: expected ${expected}, found ${found}`);
}

function addSelectors(message: NetlinkMessage, spec: RuleSpec): void {
  const { mark, mask, suppressPrefixLength, suppressInterfaceGroup, uidRange, ipProtocol, protocol } = spec;
  if (spec.inInterface !== undefined) message.string(FRA_IIFNAME, checkLinkName(spec.inInterface));
  if (spec.outInterface !== undefined) message.string(FRA_OIFNAME, checkLinkName(spec.outInterface));
  if (mark !== undefined) {
    message.u32(FRA_FWMARK, checkNumber("mark", mark, U32_MAX));
    message.u32(FRA_FWMASK, checkNumber("mask", mask ?? U32_MAX, U32_MAX));
  }
  if (suppressPrefixLength !== undefined) {
    message.u32(FRA_SUPPRESS_PREFIXLEN, checkNumber("suppressPrefixLength", suppressPrefixLength, PREFIX_MAX));
  }
  if (suppressInterfaceGroup !== undefined) {
    const group = checkNumber("suppressInterfaceGroup", suppressInterfaceGroup, 0x7fffffff);
    message.u32(FRA_SUPPRESS_IFGROUP, group);
  }
  if (uidRange) message.attr(FRA_UID_RANGE, range("uidRange", 4, uidRange, 0, UID_MAX));
  if (ipProtocol !== undefined) message.u8(FRA_IP_PROTO, checkNumber("ipProtocol", ipProtocol, U8_MAX));
  if (spec.sourcePorts) message.attr(FRA_SPORT_RANGE, range("sourcePorts", 2, spec.sourcePorts, 1, PORT_MAX));
  if (spec.destinationPorts) {
    message.attr(FRA_DPORT_RANGE, range("destinationPorts", 2, spec.destinationPorts, 1, PORT_MAX));
  }
  if (protocol !== undefined) message.u8(FRA_PROTOCOL, checkNumber("rule protocol", protocol, U8_MAX));
  if (spec.vrf) message.u8(FRA_L3MDEV, 1);
}

function range(
  what: string,
  width: 2 | 4,
  [first, last]: readonly [number, number],
  min: number,
  max: number,
): Uint8Array {
  checkNumber(`first of ${what}`, first, max, min);
  checkNumber(`last of ${what}`, last, max, first);
  return header([width, first], [width, last]);
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
  readonly tos?: number;
  readonly table?: number;
  readonly action?: number;
  readonly flags?: number;
}

/** | family | to length | from length | tos | table | 0 | 0 | action |, u8 each | flags u32 | */
function ruleHeader(fields: RuleHeader): Uint8Array {
  const { family, toLength = 0, fromLength = 0, tos = 0, table = 0, action = 0, flags = 0 } = fields;
  const octets = [family, toLength, fromLength, tos, table, 0, 0, action].map((value) => [1, value] as const);
  return header(...octets, [4, flags]);
}

function markOf(attributes: Attributes): { mark?: number; mask?: number } {
  const mark = u32Of(attributes, FRA_FWMARK) ?? 0;
  const mask = u32Of(attributes, FRA_FWMASK) ?? 0;
  return mark === 0 && mask === 0 ? {} : { mark, mask };
}

function selectorsOf(attributes: Attributes) {
  const suppressLength = i32Of(attributes, FRA_SUPPRESS_PREFIXLEN) ?? -1;
  const suppressGroup = i32Of(attributes, FRA_SUPPRESS_IFGROUP) ?? -1;
  return defined({
    inInterface: textOf(attributes, FRA_IIFNAME),
    outInterface: textOf(attributes, FRA_OIFNAME),
    suppressPrefixLength: suppressLength < 0 ? undefined : suppressLength,
    suppressInterfaceGroup: suppressGroup < 0 ? undefined : suppressGroup,
    uidRange: rangeOf(attributes.get(FRA_UID_RANGE), 4),
    ipProtocol: unlessZero(u8Of(attributes, FRA_IP_PROTO)),
    sourcePorts: rangeOf(attributes.get(FRA_SPORT_RANGE), 2),
    destinationPorts: rangeOf(attributes.get(FRA_DPORT_RANGE), 2),
    protocol: unlessZero(u8Of(attributes, FRA_PROTOCOL)),
  });
}

function rangeOf(octets: Uint8Array | undefined, width: 2 | 4): [number, number] | undefined {
  if (!octets || octets.length < 2 * width) return undefined;
  return width === 2 ? [u16At(octets, 0), u16At(octets, 2)] : [u32At(octets, 0), u32At(octets, 4)];
}

function unlessZero(value: number | undefined): number | undefined {
  return value === 0 ? undefined : value;
}
