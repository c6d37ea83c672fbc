// Numbers of routes. Source: linux/rtnetlink.h.
import type { NetlinkMessage } from "../netlink/index.ts";
import { formatAddress, type IpAddress } from "./address-text.ts";
import { familyOf, header, ipTextOf, systemFamily, u16At, type Attributes } from "./octets.ts";

export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
export const RTMSG_BYTES = 12;

export const RTA_DST = 1;
export const RTA_SRC = 2;
export const RTA_IIF = 3;
export const RTA_OIF = 4;
export const RTA_GATEWAY = 5;
export const RTA_PRIORITY = 6;
export const RTA_PREFSRC = 7;
export const RTA_METRICS = 8;
export const RTA_MULTIPATH = 9;
export const RTA_CACHEINFO = 12;
export const RTA_TABLE = 15;
export const RTA_MARK = 16;
export const RTA_VIA = 18;
export const RTA_PREF = 20;
export const RTA_EXPIRES = 23;
export const RTA_UID = 25;
export const RTA_IP_PROTO = 27;
export const RTA_SPORT = 28;
export const RTA_DPORT = 29;
export const RTA_NH_ID = 30;

/** Attributes that have a word in `RouteInfo`, those of answers to lookups, and padding (24). */
export const READ_ATTRIBUTES: ReadonlySet<number> = new Set([
  ...[RTA_DST, RTA_SRC, RTA_IIF, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_METRICS, RTA_MULTIPATH],
  ...[RTA_CACHEINFO, RTA_TABLE, RTA_MARK, RTA_VIA, RTA_PREF, RTA_EXPIRES, RTA_UID, RTA_IP_PROTO, RTA_SPORT],
  ...[RTA_DPORT, RTA_NH_ID, 24],
]);

export const RTNH_F_DEAD = 1;
export const RTNH_F_ONLINK = 4;
export const RTNH_F_LINKDOWN = 16;
export const RTM_F_CLONED = 0x200;
export const RTM_F_LOOKUP_TABLE = 0x1000;
export const RTM_F_FIB_MATCH = 0x2000;

/** The kinds of routes; the numbers RTN_* are the places in this list. */
export const ROUTE_TYPES = [
  "unspec",
  "unicast",
  "local",
  "broadcast",
  "anycast",
  "multicast",
  "blackhole",
  "unreachable",
  "prohibit",
  "throw",
] as const;
/**
 * What a route does with packets (RTN_*): unicast sends them on, local keeps them, broadcast, anycast and multicast are
 * for addresses of that kind, blackhole drops, unreachable and prohibit answer with an ICMP error, throw goes on with
 * the next table.
 */
export type RouteType = (typeof ROUTE_TYPES)[number];

export interface RouteHeader {
  readonly family: number;
  readonly destinationLength?: number;
  readonly sourceLength?: number;
  readonly tos?: number;
  readonly table?: number;
  readonly protocol?: number;
  readonly scope?: number;
  readonly type?: number;
  readonly flags?: number;
}

/** | family | destination length | source length | tos | table | protocol | scope | type |, u8 each | flags u32 | */
export function rtmsg(fields: RouteHeader): Uint8Array {
  const { family, destinationLength = 0, sourceLength = 0, tos = 0, table = 0 } = fields;
  const { protocol = 0, scope = 0, type = 0, flags = 0 } = fields;
  const octets = [family, destinationLength, sourceLength, tos, table, protocol, scope, type];
  return header(...octets.map((value) => [1, value] as const), [4, flags]);
}

/** RTA_VIA is a gateway of another family than the route's: | family u16 | address | */
export function addGateway(message: NetlinkMessage, family: 4 | 6, gateway: IpAddress): void {
  if (gateway.family === family) {
    message.attr(RTA_GATEWAY, gateway.octets);
    return;
  }
  const octets = new Uint8Array(2 + gateway.octets.length);
  octets.set(header([2, systemFamily(gateway.family)]));
  octets.set(gateway.octets, 2);
  message.attr(RTA_VIA, octets);
}

export function gatewayOf(attributes: Attributes): string | undefined {
  const gateway = ipTextOf(attributes, RTA_GATEWAY);
  const via = attributes.get(RTA_VIA);
  if (gateway !== undefined || !via || via.length < 2) return gateway;
  const bytes = familyOf(u16At(via, 0)) === 4 ? 4 : 16;
  return via.length === 2 + bytes ? formatAddress(via.subarray(2)) : undefined;
}
