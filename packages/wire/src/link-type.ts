// Link types of capture files (the registry of draft-ietf-opsawg-pcaplinktype), and the IP packet behind their headers.
import { be16 } from "./octets.ts";

/** BSD loopback: the address family in four octets, then the packet. */
export const LINK_NULL = 0;
/** Ethernet frames. */
export const LINK_ETHERNET = 1;
/** Packets of either family, from their IP header on. */
export const LINK_RAW = 101;
/** Linux "cooked" capture, 16 octets before the packet. */
export const LINK_LINUX_SLL = 113;
/** IPv4 packets alone. */
export const LINK_IPV4 = 228;
/** IPv6 packets alone. */
export const LINK_IPV6 = 229;
/** Linux "cooked" capture version 2, 20 octets before the packet. */
export const LINK_LINUX_SLL2 = 276;

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const VLAN_ETHERTYPES: readonly number[] = [0x8100, 0x88a8, 0x9100];
/** VLAN tags that are passed over. */
const VLAN_TAGS_MAX = 4;
const ETHERNET_TYPE_AT = 12;
const SLL_HEADER_BYTES = 16;
const SLL2_HEADER_BYTES = 20;

/**
 * The IP packet of a captured frame, with whatever trails it; a view into `octets`. Undefined: the frame carries none,
 * is too short, or the link type is not known here.
 */
export function ipOctets(linkType: number, octets: Uint8Array): Uint8Array | undefined {
  switch (linkType) {
    case LINK_RAW:
      return withVersion(octets, [4, 6]);
    case LINK_IPV4:
      return withVersion(octets, [4]);
    case LINK_IPV6:
      return withVersion(octets, [6]);
    // The family's number differs between systems; the packet's own version tells as much.
    case LINK_NULL:
      return withVersion(octets.subarray(4), [4, 6]);
    case LINK_ETHERNET:
      return behindEthernet(octets);
    case LINK_LINUX_SLL:
      return behindEthertype(octets, SLL_HEADER_BYTES - 2, SLL_HEADER_BYTES);
    case LINK_LINUX_SLL2:
      return behindEthertype(octets, 0, SLL2_HEADER_BYTES);
    default:
      return undefined;
  }
}

function behindEthernet(octets: Uint8Array): Uint8Array | undefined {
  let at = ETHERNET_TYPE_AT;
  for (let tags = 0; tags < VLAN_TAGS_MAX && at + 2 <= octets.length; tags += 1) {
    if (!VLAN_ETHERTYPES.includes(be16(octets, at))) break;
    at += 4;
  }
  return behindEthertype(octets, at, at + 2);
}

function behindEthertype(octets: Uint8Array, typeAt: number, headerBytes: number): Uint8Array | undefined {
  if (octets.length < headerBytes) return undefined;
  const type = be16(octets, typeAt);
  if (type === ETHERTYPE_IPV4) return withVersion(octets.subarray(headerBytes), [4]);
  if (type === ETHERTYPE_IPV6) return withVersion(octets.subarray(headerBytes), [6]);
  return undefined;
}

function withVersion(packet: Uint8Array, versions: readonly number[]): Uint8Array | undefined {
  const first = packet[0];
  return first !== undefined && versions.includes(first >> 4) ? packet : undefined;
}
