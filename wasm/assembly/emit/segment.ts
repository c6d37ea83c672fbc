// Octets to packets: headers of the packet at hand, octets from anywhere, lengths, numbers, flags and checksums set.
import { Fooling, LaneFlag } from "@bunnel/abi/src/index";
import { txAlloc } from "../mem/arena";
import { laneFlags } from "../mem/lane";
import { Meta } from "../mem/meta";
import { Ipv4 } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/packet";
import { seqAdd } from "../wire/seq";
import { Tcp, TCP_CWR, TCP_FIN, TCP_PSH } from "../wire/tcp";
import { Udp, UDP_HEADER_BYTES } from "../wire/udp";
import { Vnet } from "../wire/vnet";
import { setTransportChecksum, spoilTcpChecksum } from "./checksum";

// How many packets were made of the packet at hand: each gets an IPv4 identification of its own.
let made: u32 = 0;

/** Begins the packets of a new packet at hand. */
export function startSegments(): void {
  made = 0;
}

/**
 * Sends `bytes` octets from `source`, which stand at `offset` of the payload of packet `p`, in packets of at most `limit`
 * octets of payload. False: no room; what was listed is to be rolled back.
 */
export function emitOctets(
  p: usize, m: Meta, source: usize, offset: i32, bytes: i32, limit: i32, foolings: u32, ttl: u32, isReal: bool,
): bool {
  const headers = <i32>m.payloadOffset;
  for (let done = 0; done < bytes; done += limit) {
    const size = min<i32>(limit, bytes - done);
    const total = headers + size;
    const at = txAlloc(total);
    if (at == 0) return false;
    memory.copy(at, p, headers);
    memory.copy(at + <usize>headers, source + <usize>done, size);
    setNetworkHeader(at, p, m, total, foolings, ttl);
    const isEnd = offset + done + size == <i32>m.payloadBytes;
    if (m.protocol == PROTOCOL_TCP) setTcpHeader(at, m, offset + done, isEnd, isReal);
    else if (m.protocol == PROTOCOL_UDP) Udp.at(at + m.l4Offset).length = UDP_HEADER_BYTES + size;
    setTransportChecksum(at, total, m);
    if ((foolings & Fooling.BadSum) != 0) spoilTcpChecksum(at, m);
    if ((laneFlags & LaneFlag.TxVnet) != 0) Vnet.of(at).clear();
    made++;
  }
  return true;
}

function setNetworkHeader(at: usize, p: usize, m: Meta, total: i32, foolings: u32, ttl: u32): void {
  const fooled = (foolings & Fooling.Ttl) != 0;
  if (m.family == 4) {
    const original = Ipv4.at(p);
    Ipv4.at(at).setLengthIdTtl(total, original.id + made, fooled ? ttl : original.ttl);
  } else {
    Ipv6.at(at).setLengthHopLimit(total, fooled ? ttl : Ipv6.at(p).hopLimit);
  }
}

/** FIN and PSH belong to the last octet, CWR to the first packet (RFC 3168 section 6.1.2); a decoy never ends a stream. */
function setTcpHeader(at: usize, m: Meta, offset: i32, isEnd: bool, isReal: bool): void {
  const tcp = Tcp.at(at + m.l4Offset);
  tcp.seq = seqAdd(m.seq, <u32>offset);
  let flags: u32 = m.tcpFlags;
  if (!isEnd) flags &= ~(TCP_FIN | TCP_PSH);
  if (!isReal) flags &= ~TCP_FIN;
  if (offset != 0) flags &= ~TCP_CWR;
  tcp.flags = flags;
}
