// The record beside each packet of a burst, and the lists of packets that came in and go out.
import {
  LANE_METAS,
  LANE_PLAN,
  LANE_RX_AT,
  LANE_RX_LENGTHS,
  LANE_TX_AT,
  LANE_TX_DELAYS,
  LANE_TX_LENGTHS,
  META_BYTES,
  META_DIRECTION,
  META_FLOW,
  META_HASH_LOW,
  META_HOST_OFFSET,
  META_L4_OFFSET,
  META_PACKET_NUMBER,
  META_PROTOCOL,
  META_RULE,
  META_SEQ,
  META_SOURCE_PORT,
  META_TOTAL_BYTES,
  META_TX_COUNT,
  META_TX_FIRST,
} from "@bunnel/abi/src/index";
import { clearRecord } from "./copy";
import { lane } from "./lane";

/** Behind everything else in the plan region. */
const SPARE_AT: usize = 0x3000;

@unmanaged
export class Meta {
  verdict: u8;
  reason: u8;
  family: u8;
  protocol: u8;
  l4Offset: u16;
  payloadOffset: u16;
  payloadBytes: u16;
  totalBytes: u16;
  sourcePort: u16;
  destinationPort: u16;
  tcpFlags: u8;
  direction: u8;
  fragmentOffset: u16;
  flags: u8;
  l7: u8;
  rule: u16;
  seq: u32;
  ack: u32;
  flow: u32;
  txFirst: u16;
  txCount: u16;
  hostOffset: u16;
  hostBytes: u16;
  packetNumber: u16;
  spare: u16;
  hash: u64;
  spare2: u64;

  /** The record of packet `i` of the burst. */
  static of(i: i32): Meta {
    return changetype<Meta>(lane + LANE_METAS + ((<usize>i) << 6));
  }

  /** Destination port << 16 | source port. */
  get portPair(): u32 {
    return load<u32>(changetype<usize>(this), META_SOURCE_PORT);
  }

  /** For a packet that is not in the burst. */
  static get spare(): Meta {
    return changetype<Meta>(lane + LANE_PLAN + SPARE_AT);
  }

  static at(ptr: usize): Meta {
    return changetype<Meta>(ptr);
  }

  clear(): void {
    clearRecord(changetype<usize>(this));
  }

  /**
   * Writes the whole record of a packet whose transport header begins with the octets of `header`, of which the first
   * four are its ports; `fields` are octets 16 to 31 of the record. What is not named here is 0.
   */
  write(
    header: v128,
    fields: v128,
    family: u32,
    protocol: u32,
    l4Offset: i32,
    payloadOffset: i32,
    payloadBytes: i32,
    totalBytes: i32,
  ): void {
    const p = changetype<usize>(this);
    // Ports into octets 12 to 15; the rest of this store is written over.
    v128.store(p, i8x16.swizzle(header, i8x16(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 0, 3, 2)));
    store<u32>(p, (family << 16) | (protocol << 24));
    store<u32>(p, l4Offset | (payloadOffset << 16), 4);
    store<u32>(p, payloadBytes | (totalBytes << 16), 8);
    v128.store(p, fields, 16);
    v128.store(p, i64x2.splat(0), 32);
    v128.store(p, i64x2.splat(0), 48);
  }

  /** What became of the packet, and the packets of the tx list that stand for it. */
  setBooks(reason: i32, verdict: i32, first: i32, count: i32): void {
    store<u16>(changetype<usize>(this), <u16>((reason << 8) | verdict));
    store<u32>(changetype<usize>(this), ((<u32>count) << 16) | <u32>first, META_TX_FIRST);
  }

  /** Octets 16 to 31 of a segment's record: flags, sequence and acknowledgement number of its header. */
  static tcpFields(header: v128): v128 {
    return i8x16.swizzle(header, i8x16(13, -1, -1, -1, -1, -1, -1, -1, 7, 6, 5, 4, 11, 10, 9, 8));
  }
}

if (
  offsetof<Meta>() != META_BYTES ||
  offsetof<Meta>("protocol") != META_PROTOCOL ||
  offsetof<Meta>("l4Offset") != META_L4_OFFSET ||
  offsetof<Meta>("totalBytes") != META_TOTAL_BYTES ||
  offsetof<Meta>("sourcePort") != META_SOURCE_PORT ||
  offsetof<Meta>("direction") != META_DIRECTION ||
  offsetof<Meta>("rule") != META_RULE ||
  offsetof<Meta>("seq") != META_SEQ ||
  offsetof<Meta>("flow") != META_FLOW ||
  offsetof<Meta>("txFirst") != META_TX_FIRST ||
  offsetof<Meta>("txCount") != META_TX_COUNT ||
  offsetof<Meta>("hostOffset") != META_HOST_OFFSET ||
  offsetof<Meta>("packetNumber") != META_PACKET_NUMBER ||
  offsetof<Meta>("hash") != META_HASH_LOW
) {
  ERROR("Meta does not lie as packages/abi/src/records.ts says");
}

/** Address of packet `i` that came in. */
export function rxAt(i: i32): usize {
  return load<u32>(lane + LANE_RX_AT + ((<usize>i) << 2));
}

/** Octets of packet `i` that came in. */
export function rxBytes(i: i32): i32 {
  return load<u16>(lane + LANE_RX_LENGTHS + ((<usize>i) << 1));
}

export function setTx(i: i32, at: usize, bytes: i32, delayMs: u32): void {
  store<u16>(lane + LANE_TX_DELAYS + ((<usize>i) << 1), <u16>delayMs);
  store<u32>(lane + LANE_TX_AT + ((<usize>i) << 2), <u32>at);
  store<u16>(lane + LANE_TX_LENGTHS + ((<usize>i) << 1), <u16>bytes);
}
