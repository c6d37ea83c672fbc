// The ways of a route that has several. Source: linux/rtnetlink.h struct rtnexthop.
//
//   | length u16 | flags u8 | weight - 1 u8 | index i32 | attributes: the gateway |
import { NetlinkMessage, parseAttributes } from "../netlink/index.ts";
import { parseAddress } from "./address-text.ts";
import { checkNumber } from "./check.ts";
import { addGateway, gatewayOf, RTNH_F_DEAD, RTNH_F_LINKDOWN, RTNH_F_ONLINK } from "./route-attributes.ts";
import { defined, header, u16At, u32At, u8At } from "./octets.ts";

const RTNEXTHOP_BYTES = 8;
const WEIGHT_MAX = 256;

/** One of several ways of a route. */
export interface NextHopSpec {
  /** Index of the interface that packets leave by; needed where the gateway does not tell it. */
  readonly index?: number;
  readonly gateway?: string;
  /** Its share of the flows, 1 to 256. Default 1. */
  readonly weight?: number;
  /** The gateway is taken to be on the link, although no address says so. */
  readonly onlink?: boolean;
}

/** One of a route's ways, as it is. */
export interface NextHop {
  readonly index: number;
  readonly gateway?: string;
  readonly weight: number;
  readonly onlink?: boolean;
  /** It is not used: its interface is down. */
  readonly dead?: boolean;
  /** Its interface has no carrier. */
  readonly linkDown?: boolean;
}

/** @throws DeviceError E_DEVICE_OPTION for gateways and weights that cannot be */
export function encodeHops(family: 4 | 6, hops: readonly NextHopSpec[]): Uint8Array {
  const parts = hops.map((hop) => encodeHop(family, hop));
  const octets = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    octets.set(part, at);
    at += part.length;
  }
  return octets;
}

export function parseHops(octets: Uint8Array): NextHop[] {
  const hops: NextHop[] = [];
  let at = 0;
  while (at + RTNEXTHOP_BYTES <= octets.length) {
    const bytes = u16At(octets, at);
    if (bytes < RTNEXTHOP_BYTES || at + bytes > octets.length) break;
    const gateway = gatewayOf(parseAttributes(octets.subarray(at + RTNEXTHOP_BYTES, at + bytes)));
    hops.push({
      index: u32At(octets, at + 4),
      ...defined({ gateway }),
      weight: u8At(octets, at + 3) + 1,
      ...hopFlags(u8At(octets, at + 2)),
    });
    at += (bytes + 3) & ~3;
  }
  return hops;
}

/** RTNH_F_* bits that are set, as a route with one way has them too. */
export function hopFlags(flags: number): { onlink?: true; dead?: true; linkDown?: true } {
  return {
    ...(flags & RTNH_F_ONLINK ? { onlink: true } : {}),
    ...(flags & RTNH_F_DEAD ? { dead: true } : {}),
    ...(flags & RTNH_F_LINKDOWN ? { linkDown: true } : {}),
  };
}

function encodeHop(family: 4 | 6, { index = 0, gateway, weight = 1, onlink = false }: NextHopSpec): Uint8Array {
  const flags = onlink ? RTNH_F_ONLINK : 0;
  const share = checkNumber("weight", weight, WEIGHT_MAX, 1) - 1;
  const fields = header([2, 0], [1, flags], [1, share], [4, index]);
  const message = new NetlinkMessage(0, 0, fields);
  if (gateway !== undefined) addGateway(message, family, parseAddress(gateway));
  const octets = message.body();
  octets.set(header([2, octets.length]));
  return octets;
}
