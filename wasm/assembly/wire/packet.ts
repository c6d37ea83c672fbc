// One packet to its record, by the book:
//   1. the IP header must hold, and name no more octets than there are
//   2. IPv6 extension headers are followed, a few at most
//   3. a later fragment ends here: it has no transport header
//   4. ports, flags and numbers of TCP, UDP, ICMP; other protocols are payload
import { EXTENSION_HEADERS_MAX, MetaFlag, PACKET_MAX_BYTES } from "@bunnel/abi/src/index";
import { Meta } from "../mem/meta";
import { be16 } from "./be";
import { Ipv4, IPV4_FRAGMENT_OFFSET, IPV4_MORE_FRAGMENTS } from "./ipv4";
import { Ipv6, IPV6_AUTHENTICATION_HEADER, IPV6_FRAGMENT_HEADER, IPV6_HEADER_BYTES, isPlainExtension } from "./ipv6";
import { Tcp } from "./tcp";
import { Udp, UDP_HEADER_BYTES } from "./udp";

export const PROTOCOL_ICMP: u32 = 1;
export const PROTOCOL_TCP: u32 = 6;
export const PROTOCOL_UDP: u32 = 17;
export const PROTOCOL_ICMPV6: u32 = 58;
const ICMP_HEADER_BYTES: i32 = 8;

/** Reads the packet into `m`. False: malformed; then `m.family` is 0 and nothing else of `m` holds. */
export function parse(p: usize, bytes: i32, m: Meta): bool {
  m.clear();
  if (bytes < 20) return false;
  const version = load<u8>(p) >> 4;
  const ok = version == 4 ? parseIpv4(p, bytes, m) : version == 6 ? parseIpv6(p, bytes, m) : false;
  if (!ok) m.clear();
  return ok;
}

function parseIpv4(p: usize, bytes: i32, m: Meta): bool {
  const ip = Ipv4.at(p);
  if (!ip.fits(bytes)) return false;
  m.family = 4;
  m.protocol = <u8>ip.protocol;
  m.totalBytes = <u16>ip.totalBytes;
  m.l4Offset = <u16>ip.headerBytes;
  const fragment = ip.fragment;
  if ((fragment & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) != 0) {
    const more = (fragment & IPV4_MORE_FRAGMENTS) != 0;
    m.flags = <u8>(MetaFlag.Fragment | (more ? MetaFlag.MoreFragments : 0));
    m.fragmentOffset = <u16>(fragment & IPV4_FRAGMENT_OFFSET);
    if (m.fragmentOffset != 0) return opaque(m);
  }
  return parseTransport(p, m);
}

function parseIpv6(p: usize, bytes: i32, m: Meta): bool {
  const ip = Ipv6.at(p);
  if (!ip.fits(bytes)) return false;
  const total = ip.totalBytes;
  if (total > PACKET_MAX_BYTES) return false;
  m.family = 6;
  m.totalBytes = <u16>total;
  let header = ip.nextHeader;
  let offset = IPV6_HEADER_BYTES;
  for (let i = 0; i < EXTENSION_HEADERS_MAX; i++) {
    const plain = isPlainExtension(header);
    if (!plain && header != IPV6_FRAGMENT_HEADER && header != IPV6_AUTHENTICATION_HEADER) break;
    if (offset + 8 > total) return false;
    const q = p + <usize>offset;
    if (plain) {
      offset += (<i32>load<u8>(q, 1) + 1) << 3;
    } else if (header == IPV6_AUTHENTICATION_HEADER) {
      offset += (<i32>load<u8>(q, 1) + 2) << 2;
    } else {
      const fragment = be16(q, 2);
      m.flags = <u8>(MetaFlag.Fragment | ((fragment & 1) != 0 ? MetaFlag.MoreFragments : 0));
      m.fragmentOffset = <u16>(fragment >> 3);
      offset += 8;
    }
    header = load<u8>(q);
    if (offset > total) return false;
    if (m.fragmentOffset != 0) break;
  }
  m.protocol = <u8>header;
  m.l4Offset = <u16>offset;
  return m.fragmentOffset != 0 ? opaque(m) : parseTransport(p, m);
}

/** Everything behind the IP headers is payload. */
function opaque(m: Meta): bool {
  m.payloadOffset = m.l4Offset;
  m.payloadBytes = m.totalBytes - m.l4Offset;
  return true;
}

function parseTransport(p: usize, m: Meta): bool {
  const offset = <i32>m.l4Offset;
  const available = <i32>m.totalBytes - offset;
  const q = p + <usize>offset;
  const protocol: u32 = m.protocol;
  const isFragment = (m.flags & MetaFlag.Fragment) != 0;
  if (protocol == PROTOCOL_TCP) {
    const tcp = Tcp.at(q);
    if (!tcp.fits(available)) return isFragment ? opaque(m) : false;
    m.sourcePort = <u16>tcp.sourcePort;
    m.destinationPort = <u16>tcp.destinationPort;
    m.seq = tcp.seq;
    m.ack = tcp.ack;
    m.tcpFlags = <u8>tcp.flags;
    const header = tcp.headerBytes;
    m.payloadOffset = <u16>(offset + header);
    m.payloadBytes = <u16>(available - header);
    return true;
  }
  if (protocol == PROTOCOL_UDP) {
    const udp = Udp.at(q);
    // The first fragment's length speaks of the whole datagram.
    const fits = isFragment ? available >= UDP_HEADER_BYTES : udp.fits(available);
    if (!fits) return isFragment ? opaque(m) : false;
    m.sourcePort = <u16>udp.sourcePort;
    m.destinationPort = <u16>udp.destinationPort;
    m.payloadOffset = <u16>(offset + UDP_HEADER_BYTES);
    m.payloadBytes = <u16>((isFragment ? available : udp.length) - UDP_HEADER_BYTES);
    return true;
  }
  if (protocol == (m.family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6)) {
    if (available < ICMP_HEADER_BYTES) return isFragment ? opaque(m) : false;
    m.payloadOffset = <u16>(offset + ICMP_HEADER_BYTES);
    m.payloadBytes = <u16>(available - ICMP_HEADER_BYTES);
    return true;
  }
  return opaque(m);
}
