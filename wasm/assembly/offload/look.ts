// What a packet is to the merger. Candidates are what every kernel's own merger takes: plain headers, whole packets,
// payload, and for TCP no flag but ACK and PSH.
import { Coalesce } from "@bunnel/abi/src/index";
import { Ipv4, IPV4_FRAGMENT_OFFSET, IPV4_HEADER_BYTES, IPV4_MORE_FRAGMENTS } from "../wire/ipv4";
import {
  Ipv6,
  IPV6_AUTHENTICATION_HEADER,
  IPV6_FRAGMENT_HEADER,
  IPV6_HEADER_BYTES,
  isPlainExtension,
} from "../wire/ipv6";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/packet";
import { Tcp, TCP_ACK, TCP_PSH } from "../wire/tcp";
import { Udp, UDP_HEADER_BYTES } from "../wire/udp";
import { Vnet } from "../wire/vnet";
import { Item, Kind, txPacketAt, txPacketBytes } from "./item";

const UDP_CHECKSUM: usize = 6;

/** Makes an item of packet `i` of the tx list. `allowed`: Coalesce bits. */
export function look(item: Item, i: i32, allowed: u32): void {
  const p = txPacketAt(i);
  const bytes = txPacketBytes(i);
  item.at = p;
  item.head = i;
  item.tail = i;
  item.count = 1;
  item.isVerified = false;
  item.endsShort = false;
  item.endsPushed = false;
  const total = lookAtNetwork(item, p, bytes);
  if (item.kind != Kind.Closed) return;
  // Octets behind the packet's end would be lost, and a super-packet is merged already.
  if (total != bytes || Vnet.of(p).isSuper) return;
  if (item.protocol == PROTOCOL_TCP) lookAtTcp(item, total, allowed);
  else lookAtUdp(item, total, allowed);
}

/** Family, protocol and kind; returns the octets of the packet. */
function lookAtNetwork(item: Item, p: usize, bytes: i32): i32 {
  item.kind = Kind.Alone;
  if (bytes < IPV4_HEADER_BYTES) return 0;
  const version = load<u8>(p) >> 4;
  let total = 0;
  if (version == 4) {
    const ip = Ipv4.at(p);
    if (!ip.fits(bytes)) return 0;
    total = ip.totalBytes;
    item.protocol = ip.protocol;
    item.l4Offset = ip.headerBytes;
    const isFragment = (ip.fragment & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) != 0;
    if (isFragment || ip.headerBytes != IPV4_HEADER_BYTES) item.kind = Kind.Fence;
  } else if (version == 6) {
    const ip = Ipv6.at(p);
    if (!ip.fits(bytes)) return 0;
    const next = ip.nextHeader;
    total = ip.totalBytes;
    item.protocol = next;
    item.l4Offset = IPV6_HEADER_BYTES;
    const isExtended = isPlainExtension(next) || next == IPV6_FRAGMENT_HEADER || next == IPV6_AUTHENTICATION_HEADER;
    if (isExtended) item.kind = Kind.Fence;
  } else {
    return 0;
  }
  item.family = version;
  if (item.kind == Kind.Fence) return total;
  const isFlow = item.protocol == PROTOCOL_TCP || item.protocol == PROTOCOL_UDP;
  if (isFlow && total - item.l4Offset >= UDP_HEADER_BYTES) item.kind = Kind.Closed;
  return total;
}

function lookAtTcp(item: Item, total: i32, allowed: u32): void {
  const tcp = Tcp.at(item.l4);
  if ((allowed & Coalesce.Tcp) == 0 || !tcp.fits(total - item.l4Offset)) return;
  const flags = tcp.flags;
  const headers = item.l4Offset + tcp.headerBytes;
  const payload = total - headers;
  if ((flags & ~TCP_PSH) != TCP_ACK || payload == 0) return;
  item.kind = Kind.Tcp;
  item.endsPushed = (flags & TCP_PSH) != 0;
  item.seq = tcp.seq;
  item.seqEnd = tcp.seq + payload;
  setPayload(item, headers, payload);
}

function lookAtUdp(item: Item, total: i32, allowed: u32): void {
  const l4Bytes = total - item.l4Offset;
  // A checksum of zero says that there is none; a merged datagram would get one.
  const isWhole = Udp.at(item.l4).length == l4Bytes && load<u16>(item.l4 + UDP_CHECKSUM) != 0;
  if ((allowed & Coalesce.Udp) == 0 || !isWhole || l4Bytes == UDP_HEADER_BYTES) return;
  item.kind = Kind.Udp;
  setPayload(item, item.l4Offset + UDP_HEADER_BYTES, l4Bytes - UDP_HEADER_BYTES);
}

function setPayload(item: Item, headerBytes: i32, payloadBytes: i32): void {
  item.headerBytes = headerBytes;
  item.payloadBytes = payloadBytes;
  item.segmentBytes = payloadBytes;
}
