// Whether two packets of one flow may become one: only when cutting the merged packet gives them back, octet for octet.
// The identification of a datagram that may not be fragmented has no meaning (RFC 6864 section 4.1) and may change.
import { Coalesce, GROUP_PACKETS_MAX, PACKET_MAX_BYTES } from "@bunnel/abi/src/index";
import { Ipv4 } from "../wire/ipv4";
import { TCP_HEADER_BYTES } from "../wire/tcp";
import { Item, Kind, setFollowing } from "./item";
import { verify } from "./verify";

const IPV4_DONT_FRAGMENT: u32 = 0x4000;
/** PSH in the word of data offset, flags and window, as it lies in memory. */
const PSH_IN_WORD: u32 = 0x0800;

/**
 * Merges `added`, a single packet, with `open`, the most recent item of its flow. False: they stay apart. An item whose
 * checksum is wrong is closed.
 */
export function join(open: Item, added: Item, allowed: u32): bool {
  if (open.kind != added.kind || added.kind < Kind.Udp || open.count >= GROUP_PACKETS_MAX) return false;
  if (open.headerBytes + open.payloadBytes + added.payloadBytes > PACKET_MAX_BYTES) return false;
  const isTcp = added.kind == Kind.Tcp;
  const isBefore = isTcp && added.seqEnd == open.seq && (allowed & Coalesce.Prepend) != 0;
  if (!(isBefore ? mayPrepend(open, added) : mayAppend(open, added, isTcp))) return false;
  if (!hasSameNetwork(open, added, isBefore) || (isTcp && !hasSameTcp(open, added))) return false;
  if (!isRight(open) || !isRight(added)) return false;
  if (isBefore) prepend(open, added);
  else append(open, added);
  return true;
}

function mayAppend(open: Item, added: Item, isTcp: bool): bool {
  if (open.endsShort || added.payloadBytes > open.segmentBytes) return false;
  return !isTcp || (added.seq == open.seqEnd && !open.endsPushed);
}

/** A larger one sets the size as long as it would be the only one of its size. */
function mayPrepend(open: Item, added: Item): bool {
  if (added.endsPushed) return false;
  return added.payloadBytes == open.segmentBytes || (open.count == 1 && added.payloadBytes > open.segmentBytes);
}

/** Traffic class, time to live, and what IPv4 says about fragments. */
function hasSameNetwork(open: Item, added: Item, isBefore: bool): bool {
  const p = open.at;
  const q = added.at;
  if (open.family == 6) return load<u32>(p) == load<u32>(q) && load<u16>(p, 6) == load<u16>(q, 6);
  if (load<u16>(p) != load<u16>(q) || load<u16>(p, 6) != load<u16>(q, 6) || load<u16>(p, 8) != load<u16>(q, 8)) {
    return false;
  }
  const first = Ipv4.at(p);
  if ((first.fragment & IPV4_DONT_FRAGMENT) != 0) return true;
  const id = Ipv4.at(q).id;
  return isBefore ? ((id + 1) & 0xffff) == first.id : id == ((first.id + open.count) & 0xffff);
}

/** Acknowledgement, flags and window, urgent pointer, and the options octet for octet. */
function hasSameTcp(open: Item, added: Item): bool {
  const a = open.l4;
  const b = added.l4;
  if (open.headerBytes != added.headerBytes || load<u32>(a, 8) != load<u32>(b, 8)) return false;
  if (((load<u32>(a, 12) ^ load<u32>(b, 12)) & ~PSH_IN_WORD) != 0 || load<u16>(a, 18) != load<u16>(b, 18)) return false;
  const end = open.headerBytes - open.l4Offset;
  for (let i = TCP_HEADER_BYTES; i < end; i += 4) {
    if (load<u32>(a + <usize>i) != load<u32>(b + <usize>i)) return false;
  }
  return true;
}

function isRight(item: Item): bool {
  if (item.isVerified) return true;
  if (!verify(item)) {
    item.kind = Kind.Closed;
    return false;
  }
  item.isVerified = true;
  return true;
}

function append(open: Item, added: Item): void {
  setFollowing(open.tail, added.head);
  open.tail = added.head;
  open.count++;
  open.payloadBytes += added.payloadBytes;
  open.seqEnd = added.seqEnd;
  open.endsPushed = added.endsPushed;
  if (added.payloadBytes < open.segmentBytes) open.endsShort = true;
}

function prepend(open: Item, added: Item): void {
  setFollowing(added.head, open.head);
  open.head = added.head;
  open.at = added.at;
  open.count++;
  open.payloadBytes += added.payloadBytes;
  open.seq = added.seq;
  if (added.payloadBytes > open.segmentBytes) {
    open.endsShort = true;
    open.segmentBytes = added.payloadBytes;
  }
}
