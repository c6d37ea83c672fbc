// Which arriving datagrams of QUIC a tap takes, as a program of the kernel's filter. It begins at the IP header.
//
//   UDP from port 443? ── long header, where those are wanted? ──┐
//                      └─ short header, to a port asked for? ────┴─ interface? ── take the beginning
//
// Long headers are those of the handshake (RFC 9000 section 17.2): a few of each connection, however much it brings.
import { OUR_MARK } from "../intercept/marks.ts";
import * as bpf from "./bpf.ts";
import { PACKET_OUTGOING } from "./inbound-filter.ts";

// linux/if_ether.h, linux/in.h; net/loopback.c, LOOPBACK_IFINDEX
const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const IPPROTO_UDP = 17;
const LOOPBACK_INDEX = 1;

// RFC 791 section 3.1, RFC 8200 section 3, RFC 768
const IPV4_FRAGMENT_AT = 6;
const IPV4_FRAGMENT_OFFSET = 0x1fff;
const IPV4_PROTOCOL_AT = 9;
const IPV6_NEXT_AT = 6;
const IPV6_HEADER_BYTES = 40;
const UDP_DESTINATION_AT = 2;
const UDP_PAYLOAD_AT = 8;

const QUIC_PORT = 443;
const LONG_HEADER = 0x80;

/** The longest IP header without extensions, and what a datagram begins with. */
export const QUIC_SNAP_BYTES = 128;
/** Ports that a filter can name. */
export const QUIC_PORTS_MAX = 64;

/** "handshakes": datagrams with long headers; else those with short ones, to these ports or, with "data", to any. */
export type QuicWanted = "handshakes" | "data" | readonly number[];

/** The program. */
export function quicFilter(wanted: QuicWanted, outgoing: boolean): Uint8Array {
  const isLong = wanted === "handshakes";
  return bpf.assemble([
    bpf.loadProtocol,
    bpf.ifEquals(ETH_P_IPV6, "ipv6"),
    bpf.ifEquals(ETH_P_IP, undefined, "ignore"),
    bpf.loadByte(IPV4_PROTOCOL_AT),
    bpf.ifEquals(IPPROTO_UDP, undefined, "ignore"),
    bpf.loadHalf(IPV4_FRAGMENT_AT),
    bpf.ifHasBit(IPV4_FRAGMENT_OFFSET, "ignore"),
    bpf.indexHeaderLength(0),
    bpf.goOnAt("udp"),
    "ipv6",
    bpf.loadByte(IPV6_NEXT_AT),
    bpf.ifEquals(IPPROTO_UDP, undefined, "ignore"),
    bpf.setIndex(IPV6_HEADER_BYTES),
    "udp",
    bpf.loadHalfIndexed(0),
    bpf.ifEquals(QUIC_PORT, undefined, "ignore"),
    bpf.loadByteIndexed(UDP_PAYLOAD_AT),
    isLong ? bpf.ifHasBit(LONG_HEADER, undefined, "ignore") : bpf.ifHasBit(LONG_HEADER, "ignore"),
    ...(typeof wanted === "string" ? [] : portTests(wanted)),
    "wanted",
    ...(outgoing ? OURS : []),
    "arrived",
    bpf.loadInterface,
    bpf.ifEquals(LOOPBACK_INDEX, "ignore"),
    bpf.take(QUIC_SNAP_BYTES),
    "ignore",
    bpf.take(0),
  ]);
}

function portTests(ports: readonly number[]): bpf.Statement[] {
  const tests = ports.slice(0, QUIC_PORTS_MAX).map((port) => bpf.ifEquals(port, "wanted"));
  return [bpf.loadHalfIndexed(UDP_DESTINATION_AT), ...tests, bpf.goOnAt("ignore")];
}

const OURS: readonly bpf.Statement[] = [
  bpf.loadKind,
  bpf.ifEquals(PACKET_OUTGOING, undefined, "arrived"),
  bpf.loadMark,
  bpf.ifHasBit(OUR_MARK, "ignore"),
];
