// Which way a packet would go. Source: linux/rtnetlink.h, RTM_GETROUTE without NLM_F_DUMP.
import { DeviceError } from "@bunnel/device";
import { NetlinkMessage } from "../netlink/index.ts";
import { parseAddress, type IpAddress } from "./address-text.ts";
import { checkNumber, U16_MAX, U32_MAX, U8_MAX } from "./check.ts";
import { systemFamily } from "./octets.ts";
import * as rta from "./route-attributes.ts";
import type { RouteInfo } from "./routes.ts";

// asm-generic/errno-base.h, asm-generic/errno.h: how the kernel tells of routes that lead nowhere.
const EACCES = 13;
const EINVAL = 22;
const ENETUNREACH = 101;
const EHOSTUNREACH = 113;

/** The packet that is asked about. What is left out, is as in a packet that a fresh socket of root sends. */
export interface RouteQuery {
  readonly destination: string;
  /** The source address that the packet has; of this machine, unless `inIndex` says that it comes from outside. */
  readonly source?: string;
  readonly mark?: number;
  /** User id of the socket's owner. Default: that of this process. */
  readonly uid?: number;
  /** Index of the interface that the socket is bound to. */
  readonly outIndex?: number;
  /** Index of the interface that the packet comes in by: it is asked how it is forwarded. Needs `source`. */
  readonly inIndex?: number;
  /** IPv4: type of service. */
  readonly tos?: number;
  /** Number of the transport protocol, 6 TCP, 17 UDP, for rules that look at it; ports for those that look at them. */
  readonly protocol?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/**
 * "unicast" leaves by `route`, "local" stays on this machine; "broadcast" and "multicast" leave, too. The other types
 * say why the packet goes nowhere and have no `route`; "none": there is none.
 */
export interface RouteAnswer {
  readonly type: rta.RouteType | "none";
  /** Where the packet goes: the whole address as destination, the interface, the gateway, the source address. */
  readonly route?: RouteInfo;
}

/** @throws DeviceError E_DEVICE_OPTION when texts cannot be read, families differ or numbers cannot be */
export function lookupRequest(query: RouteQuery): NetlinkMessage {
  const destination = parseAddress(query.destination);
  const source = query.source === undefined ? undefined : parseAddress(query.source);
  if (source && source.family !== destination.family) {
    throw new DeviceError(
      "E_DEVICE_OPTION",
      `source "${query.source}": expected the family of "${query.destination}", found IPv${source.family}`,
    );
  }
  const message = new NetlinkMessage(
    rta.RTM_GETROUTE,
    0,
    rta.rtmsg({
      family: systemFamily(destination.family),
      destinationLength: bitsOf(destination),
      sourceLength: source ? bitsOf(source) : 0,
      tos: checkNumber("tos", query.tos ?? 0, U8_MAX),
      // IPv6 always tells the table that the route was found in, and refuses the flag.
      flags: destination.family === 4 ? rta.RTM_F_LOOKUP_TABLE : 0,
    }),
  );
  message.attr(rta.RTA_DST, destination.octets);
  if (source) message.attr(rta.RTA_SRC, source.octets);
  addNumbers(message, query);
  return message;
}

/**
 * What an errno of a lookup says of the way; undefined when it says that the question was wrong. A source address that
 * is not ours has the errno of a blackhole.
 */
export function typeOfErrno(errno: number, isSourceOurs: boolean): RouteAnswer["type"] | undefined {
  switch (errno) {
    case ENETUNREACH:
      return "none";
    case EHOSTUNREACH:
      return "unreachable";
    case EACCES:
      return "prohibit";
    case EINVAL:
      return isSourceOurs ? "blackhole" : undefined;
    default:
      return undefined;
  }
}

function addNumbers(message: NetlinkMessage, query: RouteQuery): void {
  const { mark, uid, outIndex, inIndex, protocol, sourcePort, destinationPort } = query;
  if (mark !== undefined) message.u32(rta.RTA_MARK, checkNumber("mark", mark, U32_MAX));
  if (uid !== undefined) message.u32(rta.RTA_UID, checkNumber("uid", uid, U32_MAX));
  if (outIndex !== undefined) message.u32(rta.RTA_OIF, outIndex);
  if (inIndex !== undefined) message.u32(rta.RTA_IIF, inIndex);
  if (protocol !== undefined) message.u8(rta.RTA_IP_PROTO, checkNumber("protocol", protocol, U8_MAX));
  const port = (type: number, what: string, value: number | undefined) => {
    if (value !== undefined) message.u16(type, checkNumber(what, value, U16_MAX, 1), { bigEndian: true });
  };
  port(rta.RTA_SPORT, "sourcePort", sourcePort);
  port(rta.RTA_DPORT, "destinationPort", destinationPort);
}

function bitsOf({ octets }: IpAddress): number {
  return octets.length * 8;
}
