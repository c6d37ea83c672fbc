// A super-packet to the packets that it stands for, as the kernel or a network card would cut it.
import { MetaFlag } from "@bunnel/abi/src/index";
import { txAlloc, txList, txPublish, txReset } from "../mem/arena";
import { Meta } from "../mem/meta";
import { setBe16 } from "../wire/be";
import { checksumOf, fold, sumOf } from "../wire/checksum";
import { Ipv4 } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";
import { parse, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/packet";
import { Tcp, TCP_CWR, TCP_FIN, TCP_PSH } from "../wire/tcp";
import { Udp } from "../wire/udp";
import { GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, Vnet } from "../wire/vnet";
import { TCP_CHECKSUM, UDP_CHECKSUM } from "./verify";

/** There is no room for all of them. */
const NO_ROOM: i32 = -1;

/**
 * Cuts the packet at `p` (outside the tx arena) of `bytes` octets by the virtio_net_hdr before it and lists the pieces
 * as the whole tx list, each with an empty virtio_net_hdr. Returns how many there are; 0: the header contradicts the
 * packet; -1: there is no room for them. In neither case is anything listed.
 */
export function split(p: usize, bytes: i32): i32 {
  txReset();
  const m = Meta.spare;
  const pieces = parse(p, bytes, m) && isSound(p, bytes, m) ? cut(p, m, Vnet.of(p).gsoBytes) : 0;
  if (pieces == NO_ROOM) txReset();
  txPublish();
  return pieces;
}

function isSound(p: usize, bytes: i32, m: Meta): bool {
  const vnet = Vnet.of(p);
  const isTcp = vnet.gsoType == (m.family == 4 ? GSO_TCPV4 : GSO_TCPV6) && m.protocol == PROTOCOL_TCP;
  const isUdp = vnet.gsoType == GSO_UDP_L4 && m.protocol == PROTOCOL_UDP;
  const offset = isTcp ? TCP_CHECKSUM : UDP_CHECKSUM;
  return (
    (isTcp || isUdp) &&
    (m.flags & MetaFlag.Fragment) == 0 &&
    <i32>m.totalBytes == bytes &&
    vnet.gsoBytes > 0 &&
    vnet.checksumStart == <i32>m.l4Offset &&
    vnet.checksumOffset == offset
  );
}

function cut(p: usize, m: Meta, segmentBytes: i32): i32 {
  const headers = <i32>m.payloadOffset;
  const payload = <i32>m.payloadBytes;
  let pieces = 0;
  let done = 0;
  do {
    const size = min<i32>(segmentBytes, payload - done);
    const at = txAlloc(headers + size);
    if (at == 0 || !txList(at, headers + size)) return NO_ROOM;
    memory.copy(at, p, headers);
    memory.copy(at + <usize>headers, p + <usize>(headers + done), size);
    Vnet.of(at).clear();
    finishNetwork(at, m, headers + size, pieces);
    finishTransport(at, m, headers + size, done, done + size == payload);
    done += size;
    pieces++;
  } while (done < payload);
  return pieces;
}

function finishNetwork(at: usize, m: Meta, total: i32, index: i32): void {
  if (m.family == 6) {
    const ip = Ipv6.at(at);
    ip.setLengthHopLimit(total, ip.hopLimit);
    return;
  }
  const ip = Ipv4.at(at);
  ip.setLengthIdTtl(total, ip.id + index, ip.ttl);
  // Made anew: a header whose checksum came wrong would stay wrong.
  setBe16(at, 10, 0);
  store<u16>(at, <u16>checksumOf(at, ip.headerBytes), 10);
}

/** FIN and PSH belong to the last piece, CWR to the first (RFC 3168 section 6.1.2). */
function finishTransport(at: usize, m: Meta, total: i32, done: i32, isLast: bool): void {
  const l4 = at + m.l4Offset;
  const l4Bytes = total - <i32>m.l4Offset;
  const isTcp = m.protocol == PROTOCOL_TCP;
  if (isTcp) {
    const tcp = Tcp.at(l4);
    tcp.seq = m.seq + <u32>done;
    if (!isLast) tcp.flags &= ~(TCP_FIN | TCP_PSH);
    if (done > 0) tcp.flags &= ~TCP_CWR;
  } else {
    Udp.at(l4).length = l4Bytes;
  }
  const field = l4 + <usize>(isTcp ? TCP_CHECKSUM : UDP_CHECKSUM);
  store<u16>(field, 0);
  const pseudo =
    m.family == 4 ? Ipv4.at(at).pseudoSum(m.protocol, l4Bytes) : Ipv6.at(at).pseudoSum(m.protocol, l4Bytes);
  const sum = ~fold(sumOf(l4, l4Bytes) + pseudo) & 0xffff;
  store<u16>(field, <u16>(sum == 0 && !isTcp ? 0xffff : sum));
}
