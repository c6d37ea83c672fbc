// One packet to its record, by the book:
//   1. the IP header must hold, and name no more octets than there are
//   2. IPv6 extension headers are followed, a few at most
//   3. a later fragment ends here: it has no transport header
//   4. ports, flags and numbers of TCP, UDP, ICMP; other protocols are payload
// The record is written once and in few wide pieces: what a getter of it would read back stays in a local.
import { PACKET_MAX_BYTES } from "@bunnel/abi/src/index";
import { Meta } from "../mem/meta";
import {
  CHAIN_BROKEN,
  chainFragment,
  chainOffset,
  chainProtocol,
  fragmentFlagsOf,
  fragmentOf,
  fragmentOffsetOf,
  walkChain,
} from "./extensions";
import { Ipv4, IPV4_FRAGMENT_OFFSET, IPV4_HEADER_BYTES, IPV4_MORE_FRAGMENTS } from "./ipv4";
import { Ipv6, IPV6_HEADER_BYTES } from "./ipv6";
import { Tcp } from "./tcp";
import { Udp, UDP_HEADER_BYTES } from "./udp";

export const PROTOCOL_ICMP: u32 = 1;
export const PROTOCOL_TCP: u32 = 6;
export const PROTOCOL_UDP: u32 = 17;
export const PROTOCOL_ICMPV6: u32 = 58;
const ICMP_HEADER_BYTES: i32 = 8;

/** Reads the packet into `m`. False: malformed; then all of `m` is 0. */
export function parse(p: usize, bytes: i32, m: Meta): bool {
  if (bytes < IPV4_HEADER_BYTES) return malformed(m);
  const version = <u32>load<u8>(p) >> 4;
  let total: i32;
  let offset: i32;
  let protocol: u32;
  let fragment: u32 = 0;
  if (version == 4) {
    const ip = Ipv4.at(p);
    total = ip.totalBytes;
    offset = ip.headerBytes;
    protocol = ip.protocol;
    // One sign bit tells of all three differences, in fewer steps than three comparisons take.
    if (((offset - IPV4_HEADER_BYTES) | (total - offset) | (bytes - total)) < 0) return malformed(m);
    if (ip.isFragment) {
      fragment = fragmentOf(ip.fragment & IPV4_FRAGMENT_OFFSET, (ip.fragment & IPV4_MORE_FRAGMENTS) != 0);
    }
  } else if (version == 6) {
    if (bytes < IPV6_HEADER_BYTES) return malformed(m);
    const ip = Ipv6.at(p);
    total = ip.totalBytes;
    offset = IPV6_HEADER_BYTES;
    protocol = ip.nextHeader;
    if (((bytes - total) | (PACKET_MAX_BYTES - total)) < 0) return malformed(m);
    if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP) {
      const chain = walkChain(p, protocol, total);
      if (chain == CHAIN_BROKEN) return malformed(m);
      protocol = chainProtocol(chain);
      offset = chainOffset(chain);
      fragment = chainFragment(chain);
    }
  } else {
    return malformed(m);
  }
  const q = p + <usize>offset;
  const available = total - offset;
  if (fragment == 0) {
    if (protocol == PROTOCOL_TCP && Tcp.at(q).fits(available)) {
      const payload = offset + Tcp.at(q).headerBytes;
      const header = v128.load(q);
      m.write(header, Meta.tcpFields(header), version, protocol, offset, payload, total - payload, total);
      return true;
    }
    if (protocol == PROTOCOL_UDP && Udp.at(q).fits(available)) {
      const payload = Udp.at(q).length - UDP_HEADER_BYTES;
      const header = v128.load64_zero(q);
      m.write(header, i64x2.splat(0), version, protocol, offset, offset + UDP_HEADER_BYTES, payload, total);
      return true;
    }
  }
  return parseRare(q, m, version, protocol, offset, total, fragment) || malformed(m);
}

function malformed(m: Meta): bool {
  m.clear();
  return false;
}

/** What is neither a whole segment nor a whole datagram. */
function parseRare(q: usize, m: Meta, family: u32, protocol: u32, offset: i32, total: i32, fragment: u32): bool {
  const isLater = fragmentOffsetOf(fragment) != 0;
  const headerBytes = isLater ? 0 : transportHeaderBytes(q, family, protocol, total - offset);
  // A first fragment may be too short for the header that it starts, and its UDP length counts all fragments.
  if (fragment == 0 && (headerBytes < 0 || protocol == PROTOCOL_UDP)) return false;
  const hasPorts = headerBytes > 0 && (protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP);
  const hasFields = headerBytes > 0 && protocol == PROTOCOL_TCP;
  const ports = hasPorts ? v128.load64_zero(q) : i64x2.splat(0);
  const fields = hasFields ? Meta.tcpFields(v128.load(q)) : i64x2.splat(0);
  const payload = offset + max<i32>(headerBytes, 0);
  m.write(ports, fields, family, protocol, offset, payload, total - payload, total);
  m.flags = <u8>fragmentFlagsOf(fragment);
  m.fragmentOffset = <u16>fragmentOffsetOf(fragment);
  return true;
}

/** Octets of the transport header; 0: the protocol has none that is read, -1: it is not whole. */
function transportHeaderBytes(q: usize, family: u32, protocol: u32, available: i32): i32 {
  if (protocol == PROTOCOL_TCP) return Tcp.at(q).fits(available) ? Tcp.at(q).headerBytes : -1;
  if (protocol == PROTOCOL_UDP) return available >= UDP_HEADER_BYTES ? UDP_HEADER_BYTES : -1;
  if (protocol != (family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6)) return 0;
  return available >= ICMP_HEADER_BYTES ? ICMP_HEADER_BYTES : -1;
}
