// ICMP errors about flows that are translated: outer addresses, and the packet that is quoted.
//
//   L → T (T:n → L:l …)   becomes   B → A (A:p → B:q …)      the listener's side refuses or complains
//   A → B (B:q → A:p …)   becomes   T → L (L:l → T:n …)      the client's side does
import { Reason } from "@bunnel/abi/src/index";
import { Meta } from "../mem/meta";
import { Ipv4, IPV4_HEADER_BYTES } from "../wire/ipv4";
import { Ipv6, IPV6_HEADER_BYTES } from "../wire/ipv6";
import { PROTOCOL_ICMP, PROTOCOL_TCP } from "../wire/packet";
import { setIcmpChecksum } from "./answer";
import { Translation } from "./entry";
import { Ends } from "./ends";
import { entryOfPeer } from "./region";
import { rewrite, setAddresses } from "./rewrite";
import { find, FlowKey, NONE } from "./table";
import { TranslationState } from "@bunnel/abi/src/index";

const ICMP_BYTES: i32 = 8;
/** What is needed of a quoted transport header: its ports, and as much as RFC 792 promises. */
const QUOTED_L4_BYTES: i32 = 8;

/** NOT_TRANSLATED of the caller: it is no error about a flow of ours. */
export const NO_ERROR: i32 = -2;

/** Translates the packet in place where it is such an error. ReplaceTranslated, or NO_ERROR. */
export function translateError(p: usize, m: Meta, fromListener: bool, key: FlowKey): i32 {
  const family: u32 = m.family;
  const icmp = <i32>m.l4Offset;
  if (!isError(load<u8>(p + <usize>icmp), m.protocol == PROTOCOL_ICMP)) return NO_ERROR;
  const inner = p + <usize>(icmp + ICMP_BYTES);
  const available = <i32>m.totalBytes - icmp - ICMP_BYTES;
  const header = quotedHeader(inner, family, available);
  if (header == 0 || header + QUOTED_L4_BYTES > available) return NO_ERROR;
  const protocol: u32 = family == 4 ? Ipv4.at(inner).protocol : Ipv6.at(inner).nextHeader;
  if (protocol != PROTOCOL_TCP) return NO_ERROR;
  const ports = load<u32>(inner + <usize>header);
  const source: usize = family == 4 ? inner + 12 : Ipv6.at(inner).sourceAt;
  const destination: usize = family == 4 ? inner + 16 : Ipv6.at(inner).destinationAt;
  // What the client sent is quoted with its own ends, whoever complains about it.
  const index = fromListener
    ? entryOfPeer(family, source, bswapPort(ports))
    : findTurned(key, family, protocol, source, destination, ports);
  if (index == NONE) return NO_ERROR;
  const entry = Translation.of(index);
  if (entry.state == TranslationState.Free || entry.family != family || entry.protocol != protocol) return NO_ERROR;
  const ends = Ends.of(entry, index);
  const l4Bytes = available - header;
  if (fromListener) {
    rewrite(inner, family, header, l4Bytes, entry.clientAt, entry.serverAt, entry.ports, false);
    setAddresses(p, family, entry.serverAt, entry.clientAt);
  } else {
    rewrite(inner, family, header, l4Bytes, ends.localAt, ends.peerAt, rotl<u32>(ends.ports, 16), false);
    setAddresses(p, family, ends.peerAt, ends.localAt);
  }
  setIcmpChecksum(p, m.totalBytes, family, icmp);
  return Reason.ReplaceTranslated;
}

/** RFC 792: unreachable, source quench, time exceeded, parameter problem; RFC 4443: types below 128. */
function isError(type: u32, isIpv4: bool): bool {
  if (!isIpv4) return type >= 1 && type <= 4;
  return type == 3 || type == 4 || type == 11 || type == 12;
}

/** Octets of the quoted IP header; 0: it is not whole, or its transport header does not follow. */
function quotedHeader(inner: usize, family: u32, available: i32): i32 {
  if (family == 6) return available >= IPV6_HEADER_BYTES && load<u8>(inner) >> 4 == 6 ? IPV6_HEADER_BYTES : 0;
  if (available < IPV4_HEADER_BYTES || load<u8>(inner) >> 4 != 4) return 0;
  const ip = Ipv4.at(inner);
  return ip.headerBytes < IPV4_HEADER_BYTES || ip.isFragment ? 0 : ip.headerBytes;
}

/** The source port of a transport header whose first four octets were read. */
function bswapPort(ports: u32): u32 {
  return bswap<u32>(ports) >>> 16;
}

/** The flow of a packet of the server. */
function findTurned(key: FlowKey, family: u32, protocol: u32, source: usize, destination: usize, ports: u32): i32 {
  key.set(family, protocol, destination, source, rotl<u32>(ports, 16));
  return find(key);
}
