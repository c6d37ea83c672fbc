// Routes. Source: linux/rtnetlink.h, RFC 3549 section 3.1.
import { DeviceError } from "@bunnel/device";
import { NetlinkMessage, parseAttributes, type ReceivedMessage } from "../netlink/index.ts";
import { formatPrefix, parseAddress, parsePrefix, type IpPrefix } from "./address-text.ts";
import { checkNumber, checkWhole, numberOfName, U32_MAX, U8_MAX } from "./check.ts";
import { defined, familyOf, ipOf, ipTextOf, systemFamily, u32At, u32Of, u8At, u8Of, unreadOf } from "./octets.ts";
import type { Attributes } from "./octets.ts";
import * as rta from "./route-attributes.ts";
import { encodeHops, hopFlags, parseHops, type NextHop, type NextHopSpec } from "./route-hops.ts";
import { fillMetrics, parseMetrics, type RouteMetrics } from "./route-metrics.ts";
import { SCOPE_GLOBAL, SCOPE_HOST, SCOPE_LINK, SCOPE_NOWHERE, scopeNumber, type Scope } from "./scopes.ts";

const { RTM_DELROUTE, RTM_NEWROUTE } = rta;
export { RTM_DELROUTE, RTM_NEWROUTE };
export type { RouteType } from "./route-attributes.ts";

const RTPROT_STATIC = 4;
/** Tables that every system has. */
export const TABLE_DEFAULT = 253;
/** Where routes stand to which no table was said (RT_TABLE_MAIN). */
export const TABLE_MAIN = 254;
/** The system's own addresses (linux/rtnetlink.h RT_TABLE_LOCAL). */
export const TABLE_LOCAL = 255;
const TABLE_IN_HEADER_MAX = 255;
/** In the header's one octet: the number stands in RTA_TABLE. */
const TABLE_UNSPECIFIED = 0;
/** In struct rta_cacheinfo; hundredths of a second. */
const CACHEINFO_EXPIRES_AT = 8;
const CACHEINFO_BYTES = 12;
const EXPIRES_PER_SECOND = 100;
/** Which of several routers is better (RFC 4191 section 2.1); the numbers are the places in this list. */
const PREFERENCES = ["medium", "high", "reserved", "low"] as const;

/** A route to make or to remove. */
export interface RouteSpec {
  /** A prefix, or "default". Default: "default". */
  readonly destination?: string;
  /** Needed only where neither destination, gateway nor source tells it. */
  readonly family?: 4 | 6;
  /** Of the other family, too: an IPv4 route may lead by an IPv6 gateway. */
  readonly gateway?: string;
  /** Index of the interface that packets leave by. */
  readonly index?: number;
  /** Several ways out, instead of `gateway` and `index`. An empty list is none. */
  readonly hops?: readonly NextHopSpec[];
  /** Default TABLE_MAIN, TABLE_LOCAL for types of this machine's own addresses. */
  readonly table?: number;
  /** The smaller goes first. */
  readonly metric?: number;
  /** IPv6: only packets from this prefix. */
  readonly from?: string;
  /** The source address that sockets without one get. */
  readonly source?: string;
  /**
   * Default "unicast". "blackhole" drops in silence, "unreachable" and "prohibit" answer with an ICMP error, "throw"
   * goes on with the next rule.
   */
  readonly type?: rta.RouteType;
  /** IPv4. Default: as far as the type and the gateway make it reach. */
  readonly scope?: Scope;
  /** Who made it, 0 to 255. Default 4, an administrator. */
  readonly protocol?: number;
  /** IPv4: only packets with these bits of the type of service. */
  readonly tos?: number;
  /** The gateway is taken to be on the link, although no address says so. */
  readonly onlink?: boolean;
  readonly metrics?: RouteMetrics;
  /** IPv6: it goes after so many seconds. */
  readonly expiresSeconds?: number;
  /** IPv6 */
  readonly preference?: (typeof PREFERENCES)[number];
}

/** A route as it is. It can be given back as a RouteSpec. */
export interface RouteInfo extends RouteSpec {
  readonly family: 4 | 6;
  /** A prefix, or "default". */
  readonly destination: string;
  readonly table: number;
  readonly metric: number;
  readonly type: rta.RouteType;
  /** Who made it: 2 the kernel, 3 boot, 4 an administrator, 9 router advertisements… */
  readonly protocol: number;
  readonly scope: number;
  /** Of a route with several ways out; otherwise empty. */
  readonly hops: readonly NextHop[];
  /** RTNH_F_* and RTM_F_* bits. */
  readonly flags: number;
  /** It is not used: its interface is down. */
  readonly dead?: boolean;
  /** Its interface has no carrier. */
  readonly linkDown?: boolean;
  /** Number of the next-hop object that it uses. */
  readonly nextHopId?: number;
  /**
   * Numbers of attributes (RTA_* of linux/rtnetlink.h) that are not read here: what it does to packets is not all told.
   * Such a route cannot be given back to be made.
   */
  readonly unread?: readonly number[];
}

/** Which routes are listed. Default: all. */
export interface RouteFilter {
  readonly family?: 4 | 6;
  readonly table?: number;
  /** Routes with a way out by this interface. */
  readonly index?: number;
  readonly protocol?: number;
  readonly type?: rta.RouteType;
}

/** Where the kernel filters, it does so by these; `matchesFilter` is for kernels that do not. */
export function dumpRoutes(family: 4 | 6, { table, index, protocol, type }: RouteFilter): NetlinkMessage {
  const message = new NetlinkMessage(
    rta.RTM_GETROUTE,
    0,
    rta.rtmsg({
      family: systemFamily(family),
      protocol: protocol ?? 0,
      type: type === undefined ? 0 : numberOfName("route type", rta.ROUTE_TYPES, type),
    }),
  );
  if (table !== undefined) message.u32(rta.RTA_TABLE, table);
  if (index !== undefined) message.u32(rta.RTA_OIF, index);
  return message;
}

/** What the kernel has learned about single destinations is no route of anybody's. */
export function matchesFilter(route: RouteInfo, { table, index, protocol, type }: RouteFilter): boolean {
  if (route.flags & rta.RTM_F_CLONED) return false;
  if (table !== undefined && route.table !== table) return false;
  if (protocol !== undefined && route.protocol !== protocol) return false;
  if (type !== undefined && route.type !== type) return false;
  return index === undefined || route.index === index || route.hops.some((hop) => hop.index === index);
}

/**
 * @param flags what to do when the route is, or is not, there (NLM_F_*)
 * @throws DeviceError E_DEVICE_OPTION when texts cannot be read, numbers cannot be, or no family can be told;
 * E_UNSUPPORTED for a route that was listed with attributes that are not read here
 */
export function routeRequest(type: number, flags: number, spec: RouteSpec): NetlinkMessage {
  if (type === rta.RTM_NEWROUTE) checkWhole(`route ${spec.destination ?? "default"}`, spec);
  const destination = prefixOf(spec.destination ?? "default");
  const from = prefixOf(spec.from ?? "default");
  const gateway = spec.gateway === undefined ? undefined : parseAddress(spec.gateway);
  const source = spec.source === undefined ? undefined : parseAddress(spec.source);
  const family = familyOfSpec(spec, [destination, from, source], gateway);
  const message = new NetlinkMessage(type, flags, headerOf(type, family, spec, destination, from));
  if (destination) message.attr(rta.RTA_DST, destination.octets);
  if (from) message.attr(rta.RTA_SRC, from.octets);
  message.u32(rta.RTA_TABLE, tableOf(spec));
  if (gateway) rta.addGateway(message, family, gateway);
  if (spec.index !== undefined) message.u32(rta.RTA_OIF, spec.index);
  if (spec.metric !== undefined) message.u32(rta.RTA_PRIORITY, checkNumber("metric", spec.metric, U32_MAX));
  if (source) message.attr(rta.RTA_PREFSRC, source.octets);
  if (spec.hops && spec.hops.length > 0) message.attr(rta.RTA_MULTIPATH, encodeHops(family, spec.hops));
  addDetails(message, spec);
  return message;
}

export function parseRoute({ payload }: ReceivedMessage): RouteInfo | undefined {
  if (payload.length < rta.RTMSG_BYTES) return undefined;
  const family = familyOf(u8At(payload, 0));
  const type = rta.ROUTE_TYPES[u8At(payload, 7)];
  if (!family || !type) return undefined;
  const attributes = parseAttributes(payload.subarray(rta.RTMSG_BYTES));
  const destination = ipOf(attributes, rta.RTA_DST);
  const from = ipOf(attributes, rta.RTA_SRC);
  const multipath = attributes.get(rta.RTA_MULTIPATH);
  const flags = u32At(payload, 8);
  const tos = u8At(payload, 3);
  return {
    family,
    destination: destination ? formatPrefix(destination, u8At(payload, 1)) : "default",
    ...defined({
      gateway: rta.gatewayOf(attributes),
      index: u32Of(attributes, rta.RTA_OIF),
      from: from && formatPrefix(from, u8At(payload, 2)),
      source: ipTextOf(attributes, rta.RTA_PREFSRC),
      tos: tos === 0 ? undefined : tos,
      metrics: parseMetrics(attributes.get(rta.RTA_METRICS)),
      expiresSeconds: expiresOf(attributes),
      preference: PREFERENCES[u8Of(attributes, rta.RTA_PREF) ?? -1],
      nextHopId: u32Of(attributes, rta.RTA_NH_ID),
      unread: unreadOf(attributes, rta.READ_ATTRIBUTES),
    }),
    table: u32Of(attributes, rta.RTA_TABLE) ?? u8At(payload, 4),
    metric: u32Of(attributes, rta.RTA_PRIORITY) ?? 0,
    type,
    protocol: u8At(payload, 5),
    scope: u8At(payload, 6),
    hops: multipath ? parseHops(multipath) : [],
    flags,
    ...hopFlags(flags),
  };
}

/** Undefined for the default route, which has no prefix. The kernel wants the octets behind the length cleared. */
function prefixOf(text: string): IpPrefix | undefined {
  if (text === "default") return undefined;
  const prefix = parsePrefix(text);
  const octets = prefix.octets.map((octet, i) => {
    const bits = Math.min(8, Math.max(0, prefix.prefixLength - i * 8));
    return octet & (0xff00 >> bits);
  });
  if (octets.some((octet, i) => octet !== prefix.octets[i])) {
    const found = formatPrefix(octets, prefix.prefixLength);
    throw new DeviceError("E_DEVICE_OPTION", `route "${text}": expected no bits behind the prefix, as in "${found}"`);
  }
  return prefix;
}

type Part = { readonly family: 4 | 6 } | undefined;

/** A gateway tells the family only where nothing else does: an IPv4 route may have one of IPv6. */
function familyOfSpec(spec: RouteSpec, parts: readonly Part[], gateway: Part): 4 | 6 {
  const families = new Set(parts.flatMap((part) => (part ? [part.family] : [])));
  if (spec.family !== undefined) families.add(spec.family);
  if (gateway && (families.size === 0 || gateway.family === 4)) families.add(gateway.family);
  if (families.size === 0) {
    for (const hop of spec.hops ?? []) if (hop.gateway !== undefined) families.add(parseAddress(hop.gateway).family);
  }
  const [family] = families;
  if (family !== undefined && families.size === 1) return family;
  const found = families.size === 0 ? "none" : "both";
  throw new DeviceError(
    "E_DEVICE_OPTION",
    `route ${spec.destination ?? "default"}: expected one family in all its parts, found ${found}`,
  );
}

function headerOf(
  request: number,
  family: 4 | 6,
  spec: RouteSpec,
  destination: IpPrefix | undefined,
  from: IpPrefix | undefined,
): Uint8Array {
  const table = tableOf(spec);
  const removes = request === RTM_DELROUTE;
  // In a request to remove, 0 matches whatever the route has.
  const type = spec.type ?? (removes ? "unspec" : "unicast");
  return rta.rtmsg({
    family: systemFamily(family),
    destinationLength: destination?.prefixLength ?? 0,
    sourceLength: from?.prefixLength ?? 0,
    tos: checkNumber("tos", spec.tos ?? 0, U8_MAX),
    table: table > TABLE_IN_HEADER_MAX ? TABLE_UNSPECIFIED : table,
    protocol: checkNumber("route protocol", spec.protocol ?? (removes ? 0 : RTPROT_STATIC), U8_MAX),
    scope: spec.scope === undefined ? defaultScope(removes, family, spec) : scopeNumber(spec.scope),
    type: numberOfName("route type", rta.ROUTE_TYPES, type),
    flags: spec.onlink ? rta.RTNH_F_ONLINK : 0,
  });
}

function tableOf({ table, type = "unicast" }: RouteSpec): number {
  const isOwn = type === "local" || type === "broadcast" || type === "anycast";
  return checkNumber("table", table ?? (isOwn ? TABLE_LOCAL : TABLE_MAIN), U32_MAX, 1);
}

/** IPv4 tells by their scope which destinations are on the link; a request to remove matches any scope. */
function defaultScope(removes: boolean, family: 4 | 6, spec: RouteSpec): number {
  if (removes) return SCOPE_NOWHERE;
  if (family === 6) return SCOPE_GLOBAL;
  const type = spec.type ?? "unicast";
  if (type === "local") return SCOPE_HOST;
  if (type === "broadcast" || type === "multicast" || type === "anycast") return SCOPE_LINK;
  const isOnLink = type === "unicast" && spec.gateway === undefined && spec.index !== undefined;
  return isOnLink ? SCOPE_LINK : SCOPE_GLOBAL;
}

function addDetails(message: NetlinkMessage, { metrics, expiresSeconds, preference }: RouteSpec): void {
  if (metrics) message.nested(rta.RTA_METRICS, (inner) => fillMetrics(inner, metrics));
  if (expiresSeconds !== undefined) {
    message.u32(rta.RTA_EXPIRES, checkNumber("expiresSeconds", expiresSeconds, U32_MAX, 1));
  }
  if (preference !== undefined) message.u8(rta.RTA_PREF, numberOfName("preference", PREFERENCES, preference));
}

function expiresOf(attributes: Attributes): number | undefined {
  const octets = attributes.get(rta.RTA_CACHEINFO);
  if (!octets || octets.length < CACHEINFO_BYTES) return undefined;
  const ticks = u32At(octets, CACHEINFO_EXPIRES_AT) | 0;
  return ticks > 0 ? Math.ceil(ticks / EXPIRES_PER_SECOND) : undefined;
}
