// Packets that we make ourselves for a client: a reset (RFC 9293 section 3.10.7.3), or an ICMP error about its SYN
// (RFC 792, RFC 4443). They come from the server's address, as those of a server that refuses would.
import { SLOT_HEADROOM_BYTES } from "@bunnel/abi/src/index";
import { setTransportChecksum } from "../emit/checksum";
import { txAlloc, txList } from "../mem/arena";
import { laneFlags } from "../mem/lane";
import { LaneFlag } from "@bunnel/abi/src/index";
import { setBe16, setBe32 } from "../wire/be";
import { checksumOf, fold, sumOf } from "../wire/checksum";
import { Ipv4, IPV4_HEADER_BYTES } from "../wire/ipv4";
import { Ipv6, IPV6_HEADER_BYTES } from "../wire/ipv6";
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP } from "../wire/packet";
import { Tcp, TCP_ACK, TCP_HEADER_BYTES, TCP_RST } from "../wire/tcp";
import { Vnet } from "../wire/vnet";

const HOP_LIMIT: u32 = 64;
const ICMP_BYTES: i32 = 8;
/** RFC 792: destination unreachable, host unreachable. */
const ICMP_UNREACHABLE: u32 = 0x0301;
/** RFC 4443 section 3.1: destination unreachable, address unreachable. */
const ICMPV6_UNREACHABLE: u32 = 0x0103;

if (SLOT_HEADROOM_BYTES < IPV6_HEADER_BYTES) ERROR("the arena's headroom must hold a header");

/**
 * Writes an IP header at `at` from the destination of packet `p` back to its source, for so many octets behind it.
 * Returns where they begin.
 */
function writeHeader(at: usize, p: usize, family: u32, protocol: u32, bytes: i32): usize {
  if (family == 4) {
    store<u32>(at, 0x45);
    store<u32>(at, 0, 4);
    store<u8>(at, <u8>protocol, 9);
    store<u32>(at, Ipv4.at(p).destination, 12);
    store<u32>(at, Ipv4.at(p).source, 16);
    Ipv4.at(at).setLengthIdTtl(IPV4_HEADER_BYTES + bytes, 0, HOP_LIMIT);
    return at + IPV4_HEADER_BYTES;
  }
  const ip = Ipv6.at(at);
  store<u32>(at, 0x60);
  store<u8>(at, <u8>protocol, 6);
  ip.setLengthHopLimit(IPV6_HEADER_BYTES + bytes, HOP_LIMIT);
  v128.store(ip.sourceAt, v128.load(Ipv6.at(p).destinationAt));
  v128.store(ip.destinationAt, v128.load(Ipv6.at(p).sourceAt));
  return at + IPV6_HEADER_BYTES;
}

function headerBytesOf(family: u32): i32 {
  return family == 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
}

function list(at: usize, bytes: i32): bool {
  if ((laneFlags & LaneFlag.TxVnet) != 0) Vnet.of(at).clear();
  return txList(at, bytes);
}

/** Refuses the SYN at `p` whose sequence number is `seq`. False: there is no room. */
export function answerReset(p: usize, family: u32, l4Offset: i32, seq: u32): bool {
  const bytes = headerBytesOf(family) + TCP_HEADER_BYTES;
  const at = txAlloc(bytes);
  if (at == 0) return false;
  const l4 = writeHeader(at, p, family, PROTOCOL_TCP, TCP_HEADER_BYTES);
  const ports = load<u32>(p + <usize>l4Offset);
  store<u32>(l4, rotl<u32>(ports, 16));
  store<u32>(l4, 0, 4);
  setBe32(l4, 8, seq + 1);
  store<u64>(l4, 0, 12);
  const tcp = Tcp.at(l4);
  tcp.dataOffset = TCP_HEADER_BYTES >> 2;
  tcp.flags = TCP_RST | TCP_ACK;
  setTransportChecksum(at, bytes, family, PROTOCOL_TCP, headerBytesOf(family));
  return list(at, bytes);
}

/** Tells the sender of the packet at `p` that its destination is not to be reached. False: there is no room. */
export function answerUnreachable(p: usize, packetBytes: i32, family: u32): bool {
  const header = headerBytesOf(family);
  const bytes = header + ICMP_BYTES + packetBytes;
  const at = txAlloc(bytes);
  if (at == 0) return false;
  const protocol = family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
  const icmp = writeHeader(at, p, family, protocol, ICMP_BYTES + packetBytes);
  store<u64>(icmp, family == 4 ? <u64>swapped(ICMP_UNREACHABLE) : <u64>swapped(ICMPV6_UNREACHABLE));
  memory.copy(icmp + ICMP_BYTES, p, packetBytes);
  setIcmpChecksum(at, bytes, family, header);
  return list(at, bytes);
}

function swapped(typeAndCode: u32): u32 {
  return ((typeAndCode >> 8) & 0xff) | ((typeAndCode & 0xff) << 8);
}

/** Sums an ICMP message anew; that of IPv6 has a pseudo header (RFC 4443 section 2.3). */
export function setIcmpChecksum(p: usize, bytes: i32, family: u32, l4Offset: i32): void {
  const icmp = p + <usize>l4Offset;
  const l4Bytes = bytes - l4Offset;
  setBe16(icmp, 2, 0);
  if (family == 4) {
    store<u16>(icmp, <u16>checksumOf(icmp, l4Bytes), 2);
    return;
  }
  const sum = ~fold(sumOf(icmp, l4Bytes) + Ipv6.at(p).pseudoSum(PROTOCOL_ICMPV6, l4Bytes)) & 0xffff;
  store<u16>(icmp, <u16>sum, 2);
}
