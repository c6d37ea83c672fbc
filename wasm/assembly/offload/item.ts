// One packet of the tx list, or several that are being merged. Items stand in the order in which their first packets
// came; the packets of one are chained.
//
//   offload region:  | groups 16 × n | iovecs 16 × n | order 2 × n | chain 2 × n | places 2 × 2n | items 64 × n |
import {
  LANE_OFFLOAD,
  LANE_OFFLOAD_BYTES,
  LANE_TX_AT,
  LANE_TX_LENGTHS,
  OFFLOAD_ORDER,
  TX_MAX,
} from "@bunnel/abi/src/index";
import { lane } from "../mem/lane";

const CHAIN: usize = <usize>OFFLOAD_ORDER + 2 * TX_MAX;
export const PLACES: usize = CHAIN + 2 * TX_MAX;
const ITEMS: usize = PLACES + 4 * TX_MAX;
const ITEM_BYTES: i32 = 64;

if (<i32>ITEMS + ITEM_BYTES * TX_MAX > LANE_OFFLOAD_BYTES) ERROR("the items must lie within the offload region");

/** What may be done with a packet. */
export enum Kind {
  /** Belongs to no flow that could be told: merged with nothing, and ordered against nothing. */
  Alone = 0,
  /** A fragment, or a header with options before the transport's: it may belong to any flow, so nothing passes it. */
  Fence = 1,
  /** Belongs to a flow and is merged with nothing. */
  Closed = 2,
  Udp = 3,
  Tcp = 4,
}

@unmanaged
export class Item {
  /** Where the first packet lies; its headers are those of the whole. */
  at: usize;
  /** Sequence number of the first octet, and of the one behind the last. */
  seq: u32;
  seqEnd: u32;
  /** Octets of payload of all packets. */
  payloadBytes: i32;
  /** Octets of payload of each packet but a shorter last one. */
  segmentBytes: i32;
  /** Octets of all headers; they are the same for every packet. */
  headerBytes: i32;
  l4Offset: i32;
  /** Packets, and the first and the last of them in the tx list. */
  count: i32;
  head: i32;
  tail: i32;
  kind: i32;
  family: i32;
  protocol: i32;
  /** The checksums of all packets are right. */
  isVerified: bool;
  /** The last packet is shorter than the others. */
  endsShort: bool;
  /** The last packet has PSH. */
  endsPushed: bool;

  static of(i: i32): Item {
    return changetype<Item>(lane + LANE_OFFLOAD + ITEMS + ((<usize>i) << 6));
  }

  get l4(): usize {
    return this.at + <usize>this.l4Offset;
  }
}

if (offsetof<Item>() > <usize>ITEM_BYTES) ERROR("an item must fit its place");

export function txPacketAt(i: i32): usize {
  return load<u32>(lane + LANE_TX_AT + ((<usize>i) << 2));
}

export function txPacketBytes(i: i32): i32 {
  return load<u16>(lane + LANE_TX_LENGTHS + ((<usize>i) << 1));
}

/** The packet that follows packet `i` of the tx list in its item. */
export function following(i: i32): i32 {
  return load<u16>(lane + LANE_OFFLOAD + CHAIN + ((<usize>i) << 1));
}

export function setFollowing(i: i32, next: i32): void {
  store<u16>(lane + LANE_OFFLOAD + CHAIN + ((<usize>i) << 1), <u16>next);
}
