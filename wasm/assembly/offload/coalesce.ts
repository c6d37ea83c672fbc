// Packets of the tx list to super-packets, for a device that takes them:
//   1. each packet is looked at; what cannot be merged is an item of its own
//   2. it joins the most recent item of its flow, or becomes that; one that repeats the packet before it joins at once
//   3. each item is laid out as iovecs: the first packet whole, of the others the payload where it lies
//   4. the headers of a merged packet are made those of the whole
// Nothing is copied and nothing moves but the headers of first packets; `loosen` gives those back.
import {
  GROUP_AT,
  GROUP_BYTES,
  GROUP_FIRST,
  GROUP_OCTETS,
  GROUP_PIECES,
  LANE_OFFLOAD,
  OFFLOAD_GROUPS,
  OFFLOAD_ORDER,
  OFFLOAD_PIECES,
  VNET_HEADER_BYTES,
} from "@bunnel/abi/src/index";
import { lane } from "../mem/lane";
import { fold, sumOf } from "../wire/checksum";
import { Ipv4 } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";
import { Tcp, TCP_PSH } from "../wire/tcp";
import { Udp } from "../wire/udp";
import { GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, Vnet } from "../wire/vnet";
import { closeFlows, openFlows, placeOf } from "./flows";
import { following, Item, Kind, txPacketAt, txPacketBytes } from "./item";
import { join } from "./join";
import { look } from "./look";
import { repeats } from "./repeat";
import { checksumOffset, pseudoSum } from "./verify";

/**
 * Merges packets `from` up to `to` (not included) of the tx list, each of which has its virtio_net_hdr before it.
 * Packets of one flow keep their order, unless `allowed` has Coalesce.Prepend. The base is the memory's address in the
 * process. Returns the number of groups.
 */
export function coalesce(from: i32, to: i32, allowed: u32, baseLow: u32, baseHigh: u32): i32 {
  const base = ((<u64>baseHigh) << 32) | <u64>baseLow;
  openFlows(to - from);
  let items = 0;
  /** Number plus one of the item that the packet before belongs to, when another one may follow it. */
  let last = 0;
  for (let i = from; i < to; i++) {
    if (last != 0 && repeats(Item.of(last - 1), i)) continue;
    last = 0;
    const item = Item.of(items);
    look(item, i, allowed);
    if (item.kind == Kind.Fence) closeFlows();
    if (item.kind >= Kind.Closed) {
      const place = placeOf(item);
      if (place != 0) {
        const open: i32 = load<u16>(place);
        last = open;
        if (open != 0 && join(Item.of(open - 1), item, allowed)) continue;
        last = items + 1;
        store<u16>(place, <u16>last);
      }
    }
    items++;
  }
  let piece = 0;
  for (let i = 0; i < items; i++) piece = layOut(i, piece, base);
  return items;
}

/** Writes the group of item `i`, whose pieces start at `first`; returns the index behind them. */
function layOut(i: i32, first: i32, base: u64): i32 {
  const item = Item.of(i);
  const at = item.at - VNET_HEADER_BYTES;
  let packet = item.head;
  let piece = first;
  let octets = txPacketBytes(packet) + VNET_HEADER_BYTES;
  putPiece(piece++, packet, base + at, octets);
  for (let left = item.count - 1; left > 0; left--) {
    packet = following(packet);
    const payload = txPacketBytes(packet) - item.headerBytes;
    putPiece(piece++, packet, base + txPacketAt(packet) + item.headerBytes, payload);
    octets += payload;
  }
  if (item.count > 1) makeSuper(item);
  const group = lane + LANE_OFFLOAD + OFFLOAD_GROUPS + <usize>i * GROUP_BYTES;
  store<u32>(group, first, GROUP_FIRST);
  store<u32>(group, piece - first, GROUP_PIECES);
  store<u32>(group, <u32>at, GROUP_AT);
  store<u32>(group, octets, GROUP_OCTETS);
  return piece;
}

function putPiece(piece: i32, packet: i32, address: u64, bytes: i32): void {
  const iovec = lane + LANE_OFFLOAD + OFFLOAD_PIECES + ((<usize>piece) << 4);
  store<u64>(iovec, address);
  store<u64>(iovec, bytes, 8);
  store<u16>(lane + LANE_OFFLOAD + OFFLOAD_ORDER + ((<usize>piece) << 1), <u16>packet);
}

/** The first packet's headers become those of the whole; the transport checksum becomes partial. */
function makeSuper(item: Item): void {
  const total = item.headerBytes + item.payloadBytes;
  setLength(item, total);
  let type = GSO_UDP_L4;
  if (item.kind == Kind.Tcp) {
    type = item.family == 4 ? GSO_TCPV4 : GSO_TCPV6;
    if (item.endsPushed) Tcp.at(item.l4).flags |= TCP_PSH;
  }
  const offset = checksumOffset(item);
  store<u16>(item.l4 + <usize>offset, <u16>fold(pseudoSum(item, total - item.l4Offset)));
  Vnet.of(item.at).setSuper(type, item.headerBytes, item.segmentBytes, item.l4Offset, offset);
}

function setLength(item: Item, total: i32): void {
  if (item.family == 4) {
    const ip = Ipv4.at(item.at);
    ip.setLengthIdTtl(total, ip.id, ip.ttl);
  } else {
    const ip = Ipv6.at(item.at);
    ip.setLengthHopLimit(total, ip.hopLimit);
  }
  if (item.kind == Kind.Udp) Udp.at(item.l4).length = total - item.l4Offset;
}

/**
 * Takes a group of the last `coalesce` apart, for a system that refuses it: its packets are then whole where the tx
 * list says they lie, with complete checksums.
 */
export function loosen(group: i32): void {
  const item = Item.of(group);
  if (item.count == 1) return;
  const total = txPacketBytes(item.head);
  setLength(item, total);
  // A packet that another one follows never had PSH.
  if (item.kind == Kind.Tcp) Tcp.at(item.l4).flags &= ~TCP_PSH;
  Vnet.of(item.at).clear();
  const l4Bytes = total - item.l4Offset;
  const field = item.l4 + <usize>checksumOffset(item);
  store<u16>(field, 0);
  const sum = ~fold(sumOf(item.l4, l4Bytes) + pseudoSum(item, l4Bytes)) & 0xffff;
  store<u16>(field, <u16>(sum == 0 && item.kind == Kind.Udp ? 0xffff : sum));
}
