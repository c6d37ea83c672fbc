// The engine's record of one packet, as an object.
import {
  type L7,
  META_ACK,
  META_DESTINATION_PORT,
  META_DIRECTION,
  META_FAMILY,
  META_FLAGS,
  META_FLOW,
  META_FRAGMENT_OFFSET,
  META_HASH_HIGH,
  META_HASH_LOW,
  META_HOST_BYTES,
  META_HOST_OFFSET,
  META_L4_OFFSET,
  META_L7,
  META_PAYLOAD_BYTES,
  META_PAYLOAD_OFFSET,
  META_PROTOCOL,
  META_REASON,
  META_RULE,
  META_SEQ,
  META_SOURCE_PORT,
  META_TCP_FLAGS,
  META_TOTAL_BYTES,
  META_TX_COUNT,
  META_TX_FIRST,
  META_VERDICT,
  MetaFlag,
  type Reason,
  type Verdict,
} from "@bunnel/abi";

/** What the engine found in a packet and decided about it. */
export interface PacketMeta {
  readonly verdict: Verdict;
  readonly reason: Reason;
  /** 0: the packet is malformed, and the fields below are 0. */
  readonly family: number;
  readonly protocol: number;
  readonly l4Offset: number;
  readonly payloadOffset: number;
  readonly payloadBytes: number;
  readonly totalBytes: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly tcpFlags: number;
  /** 0: sent by the side that opened the flow. */
  readonly direction: number;
  readonly fragmentOffset: number;
  readonly fragment: boolean;
  readonly moreFragments: boolean;
  readonly l7: L7;
  /** Index of the rule that decided; -1: none. */
  readonly rule: number;
  readonly seq: number;
  readonly ack: number;
  /** Entry in the flow table; 0: untracked. */
  readonly flow: number;
  /** The packets of `tx` that stand for this one. */
  readonly txFirst: number;
  readonly txCount: number;
  /** Where the host name lies, from the start of the payload; 0 octets: none was found. */
  readonly hostOffset: number;
  readonly hostBytes: number;
  /** Keyed hash of the five-tuple, the same for both directions; 0n: untracked. */
  readonly hash: bigint;
}

/** Reads the record at `at`. */
export function readMeta(view: DataView, at: number): PacketMeta {
  const u8 = (offset: number): number => view.getUint8(at + offset);
  const u16 = (offset: number): number => view.getUint16(at + offset, true);
  const u32 = (offset: number): number => view.getUint32(at + offset, true);
  const flags = u8(META_FLAGS);
  return {
    verdict: u8(META_VERDICT),
    reason: u8(META_REASON),
    family: u8(META_FAMILY),
    protocol: u8(META_PROTOCOL),
    l4Offset: u16(META_L4_OFFSET),
    payloadOffset: u16(META_PAYLOAD_OFFSET),
    payloadBytes: u16(META_PAYLOAD_BYTES),
    totalBytes: u16(META_TOTAL_BYTES),
    sourcePort: u16(META_SOURCE_PORT),
    destinationPort: u16(META_DESTINATION_PORT),
    tcpFlags: u8(META_TCP_FLAGS),
    direction: u8(META_DIRECTION),
    fragmentOffset: u16(META_FRAGMENT_OFFSET),
    fragment: (flags & MetaFlag.Fragment) !== 0,
    moreFragments: (flags & MetaFlag.MoreFragments) !== 0,
    l7: u8(META_L7),
    rule: u16(META_RULE) - 1,
    seq: u32(META_SEQ),
    ack: u32(META_ACK),
    flow: u32(META_FLOW),
    txFirst: u16(META_TX_FIRST),
    txCount: u16(META_TX_COUNT),
    hostOffset: u16(META_HOST_OFFSET),
    hostBytes: u16(META_HOST_BYTES),
    hash: (BigInt(u32(META_HASH_HIGH)) << 32n) | BigInt(u32(META_HASH_LOW)),
  };
}
