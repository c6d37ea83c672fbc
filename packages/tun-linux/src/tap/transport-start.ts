// What every filter of a tap begins and ends with: the way to the transport header in both families, and to whose
// packets they are.
import { OUR_MARK } from "../intercept/marks.ts";
import * as bpf from "./bpf.ts";

// linux/if_ether.h
const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
/** The loopback device is the first of every namespace: net/loopback.c, LOOPBACK_IFINDEX. */
export const LOOPBACK_INDEX = 1;

// RFC 791 section 3.1, RFC 8200 section 3
const IPV4_FRAGMENT_AT = 6;
const IPV4_FRAGMENT_OFFSET = 0x1fff;
const IPV4_PROTOCOL_AT = 9;
const IPV6_NEXT_AT = 6;
const IPV6_HEADER_BYTES = 40;
/** linux/if_packet.h */
export const PACKET_OUTGOING = 4;

/**
 * The index register stands at the transport header of a whole packet, or a first fragment, of this protocol (a number
 * of linux/in.h); all else goes to "ignore". Extension headers of IPv6 are not followed.
 */
export function transportStart(protocol: number): bpf.Statement[] {
  return [
    bpf.loadProtocol,
    bpf.ifEquals(ETH_P_IPV6, "ipv6"),
    bpf.ifEquals(ETH_P_IP, undefined, "ignore"),
    bpf.loadByte(IPV4_PROTOCOL_AT),
    bpf.ifEquals(protocol, undefined, "ignore"),
    bpf.loadHalf(IPV4_FRAGMENT_AT),
    bpf.ifHasBit(IPV4_FRAGMENT_OFFSET, "ignore"),
    bpf.indexHeaderLength(0),
    bpf.goOnAt("transport"),
    "ipv6",
    bpf.loadByte(IPV6_NEXT_AT),
    bpf.ifEquals(protocol, undefined, "ignore"),
    bpf.setIndex(IPV6_HEADER_BYTES),
    "transport",
  ];
}

/** What leaves with our own mark goes to "ignore", what arrives to "arrived". */
export const OURS: readonly bpf.Statement[] = [
  bpf.loadKind,
  bpf.ifEquals(PACKET_OUTGOING, undefined, "arrived"),
  bpf.loadMark,
  bpf.ifHasBit(OUR_MARK, "ignore"),
];
