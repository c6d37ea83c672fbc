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
  META_TOTAL_BYTES,
  META_TX_COUNT,
} from "@bunnel/abi/src/index";
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

  /** For a packet that is not in the burst. */
  static get spare(): Meta {
    return changetype<Meta>(lane + LANE_PLAN + SPARE_AT);
  }

  static at(ptr: usize): Meta {
    return changetype<Meta>(ptr);
  }

  clear(): void {
    const p = changetype<usize>(this);
    if (ASC_FEATURE_SIMD) {
      const zero = i64x2.splat(0);
      v128.store(p, zero);
      v128.store(p, zero, 16);
      v128.store(p, zero, 32);
      v128.store(p, zero, 48);
    } else {
      memory.fill(p, 0, META_BYTES);
    }
  }
}

if (
  offsetof<Meta>() != META_BYTES ||
  offsetof<Meta>("protocol") != META_PROTOCOL ||
  offsetof<Meta>("l4Offset") != META_L4_OFFSET ||
  offsetof<Meta>("totalBytes") != META_TOTAL_BYTES ||
  offsetof<Meta>("direction") != META_DIRECTION ||
  offsetof<Meta>("rule") != META_RULE ||
  offsetof<Meta>("seq") != META_SEQ ||
  offsetof<Meta>("flow") != META_FLOW ||
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
