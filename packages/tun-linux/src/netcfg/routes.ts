// Routes. Source: linux/rtnetlink.h, RFC 3549 section 3.1.
import { DeviceError } from "@bunnel/device";
import { NetlinkMessage, parseAttributes, type ReceivedMessage } from "../netlink/index.ts";
import { formatAddress, formatPrefix, parseAddress, parsePrefix, type IpPrefix } from "./address-text.ts";
import { familyOf, header, systemFamily, u32At, u32Of, u8At, type Attributes } from "./octets.ts";

export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const RTMSG_BYTES = 12;
const RTNEXTHOP_BYTES = 8;

const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTA_VIA = 18;

const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_NOWHERE = 255;
const RTPROT_STATIC = 4;
const RTNH_F_ONLINK = 4;

/** Tables that every system has. */
export const TABLE_DEFAULT = 253;
export const TABLE_MAIN = 254;
export const TABLE_LOCAL = 255;
const TABLE_IN_HEADER_MAX = 255;
/** In the header's one octet: the number stands in RTA_TABLE. */
const TABLE_UNSPECIFIED = 0;

const TYPES = [
  "unspec",
  "unicast",
  "local",
  "broadcast",
  "anycast",
  "multicast",
  "blackhole",
  "unreachable",
  "prohibit",
] as const;
export type RouteType = (typeof TYPES)[number];

export interface RouteSpec {
  /** A prefix, or "default". Default: "default". */
  readonly destination?: string;
  /** Needed only where neither destination, gateway nor source tells it. */
  readonly family?: 4 | 6;
  readonly gateway?: string;
  /** Index of the interface that packets leave by. */
  readonly index?: number;
  /** Default TABLE_MAIN. */
  readonly table?: number;
  /** The smaller goes first. */
  readonly metric?: number;
  /** The source address that sockets without one get. */
  readonly source?: string;
  /** Default "unicast". "blackhole" drops in silence, "unreachable" answers with an ICMP error. */
  readonly type?: "unicast" | "unreachable" | "blackhole";
  /** The gateway is taken to be on the link, although no address says so. */
  readonly onlink?: boolean;
}

export interface NextHop {
  readonly index: number;
  readonly gateway?: string;
}

export interface RouteInfo {
  readonly family: 4 | 6;
  /** A prefix, or "default". */
  readonly destination: string;
  readonly gateway?: string;
  readonly index?: number;
  readonly table: number;
  readonly metric: number;
  readonly source?: string;
  readonly type: RouteType;
  /** Who made it: 2 the kernel, 3 boot, 4 an administrator, 9 router advertisements… */
  readonly protocol: number;
  readonly scope: number;
  /** Of a route with several ways out; otherwise empty. */
  readonly hops: readonly NextHop[];
}

export interface RouteFilter {
  readonly family?: 4 | 6;
  readonly table?: number;
}

export function dumpRoutes(family: 4 | 6, table: number | undefined): NetlinkMessage {
  const message = new NetlinkMessage(RTM_GETROUTE, 0, rtmsg({ family: systemFamily(family) }));
  return table === undefined ? message : message.u32(RTA_TABLE, table);
}

/**
 * @param flags what to do when the route is, or is not, there (NLM_F_*)
 * @throws DeviceError E_DEVICE_OPTION when texts cannot be read, families differ or no family can be told
 */
export function routeRequest(type: number, flags: number, spec: RouteSpec): NetlinkMessage {
  const destination = destinationOf(spec);
  const gateway = spec.gateway === undefined ? undefined : parseAddress(spec.gateway);
  const source = spec.source === undefined ? undefined : parseAddress(spec.source);
  const family = familyOfSpec(spec, [destination, gateway, source]);
  const table = spec.table ?? TABLE_MAIN;
  const message = new NetlinkMessage(
    type,
    flags,
    rtmsg({
      family: systemFamily(family),
      destinationLength: destination?.prefixLength ?? 0,
      table: table > TABLE_IN_HEADER_MAX ? TABLE_UNSPECIFIED : table,
      protocol: type === RTM_DELROUTE ? 0 : RTPROT_STATIC,
      scope: scopeOf(type, family, spec),
      type: TYPES.indexOf(spec.type ?? "unicast"),
      flags: spec.onlink ? RTNH_F_ONLINK : 0,
    }),
  );
  if (destination) message.attr(RTA_DST, destination.octets);
  message.u32(RTA_TABLE, table);
  if (gateway) message.attr(RTA_GATEWAY, gateway.octets);
  if (spec.index !== undefined) message.u32(RTA_OIF, spec.index);
  if (spec.metric !== undefined) message.u32(RTA_PRIORITY, spec.metric);
  if (source) message.attr(RTA_PREFSRC, source.octets);
  return message;
}

export function parseRoute({ payload }: ReceivedMessage): RouteInfo | undefined {
  if (payload.length < RTMSG_BYTES) return undefined;
  const family = familyOf(u8At(payload, 0));
  const type = TYPES[u8At(payload, 7)];
  if (!family || !type) return undefined;
  const attributes = parseAttributes(payload.subarray(RTMSG_BYTES));
  const destination = attributes.get(RTA_DST);
  const gateway = gatewayOf(attributes);
  const index = u32Of(attributes, RTA_OIF);
  const source = attributes.get(RTA_PREFSRC);
  const multipath = attributes.get(RTA_MULTIPATH);
  return {
    family,
    destination: destination ? formatPrefix(destination, u8At(payload, 1)) : "default",
    ...(gateway === undefined ? {} : { gateway }),
    ...(index === undefined ? {} : { index }),
    table: u32Of(attributes, RTA_TABLE) ?? u8At(payload, 4),
    metric: u32Of(attributes, RTA_PRIORITY) ?? 0,
    ...(source ? { source: formatAddress(source) } : {}),
    type,
    protocol: u8At(payload, 5),
    scope: u8At(payload, 6),
    hops: multipath ? parseHops(multipath) : [],
  };
}

/** The prefix with the octets behind its length cleared, as the kernel wants it; undefined for the default route. */
function destinationOf({ destination = "default" }: RouteSpec): IpPrefix | undefined {
  if (destination === "default") return undefined;
  const prefix = parsePrefix(destination);
  const octets = prefix.octets.map((octet, i) => {
    const bits = Math.min(8, Math.max(0, prefix.prefixLength - i * 8));
    return octet & (0xff00 >> bits);
  });
  if (octets.some((octet, i) => octet !== prefix.octets[i])) {
    const found = formatPrefix(octets, prefix.prefixLength);
    throw new DeviceError(
      "E_DEVICE_OPTION",
      `route "${destination}": expected no bits behind the prefix, as in "${found}"`,
    );
  }
  return prefix;
}

function familyOfSpec(spec: RouteSpec, parts: readonly ({ readonly family: 4 | 6 } | undefined)[]): 4 | 6 {
  const families = new Set(parts.flatMap((part) => (part ? [part.family] : [])));
  if (spec.family !== undefined) families.add(spec.family);
  const [family] = families;
  if (family !== undefined && families.size === 1) return family;
  const found = families.size === 0 ? "none" : "both";
  throw new DeviceError(
    "E_DEVICE_OPTION",
    `route ${spec.destination ?? "default"}: expected one family in all its parts, found ${found}`,
  );
}

/** IPv4 tells on-link routes by their scope; a request to remove matches any scope. */
function scopeOf(type: number, family: 4 | 6, spec: RouteSpec): number {
  if (type === RTM_DELROUTE) return RT_SCOPE_NOWHERE;
  const onLink = spec.gateway === undefined && spec.index !== undefined && (spec.type ?? "unicast") === "unicast";
  return family === 4 && onLink ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

interface RouteHeader {
  readonly family: number;
  readonly destinationLength?: number;
  readonly table?: number;
  readonly protocol?: number;
  readonly scope?: number;
  readonly type?: number;
  readonly flags?: number;
}

/** | family | destination length | source length | tos | table | protocol | scope | type |, u8 each | flags u32 | */
function rtmsg(fields: RouteHeader): Uint8Array {
  const { family, destinationLength = 0, table = 0, protocol = 0, scope = 0, type = 0, flags = 0 } = fields;
  const octets = [family, destinationLength, 0, 0, table, protocol, scope, type].map((value) => [1, value] as const);
  return header(...octets, [4, flags]);
}

/** RTA_VIA is a gateway of the other family: | family u16 | address | */
function gatewayOf(attributes: Attributes): string | undefined {
  const gateway = attributes.get(RTA_GATEWAY) ?? attributes.get(RTA_VIA)?.subarray(2);
  return gateway && (gateway.length === 4 || gateway.length === 16) ? formatAddress(gateway) : undefined;
}

/** struct rtnexthop: | length u16 | flags u8 | weight u8 | index i32 | attributes | */
function parseHops(octets: Uint8Array): NextHop[] {
  const hops: NextHop[] = [];
  let at = 0;
  while (at + RTNEXTHOP_BYTES <= octets.length) {
    const bytes = u8At(octets, at) | (u8At(octets, at + 1) << 8);
    if (bytes < RTNEXTHOP_BYTES || at + bytes > octets.length) break;
    const gateway = gatewayOf(parseAttributes(octets.subarray(at + RTNEXTHOP_BYTES, at + bytes)));
    hops.push({ index: u32At(octets, at + 4), ...(gateway === undefined ? {} : { gateway }) });
    at += (bytes + 3) & ~3;
  }
  return hops;
}
