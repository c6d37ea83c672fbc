// Records that engine and host both read. Offsets in octets; all numbers little-endian.

/** What the engine found in one packet and decided about it: 64 octets beside each packet of the burst. */
export const META_BYTES: i32 = 64;
/** u8: Verdict */
export const META_VERDICT: i32 = 0;
/** u8: Reason */
export const META_REASON: i32 = 1;
/** u8: 4, 6, or 0 when the packet is malformed; then no other field of the packet holds. */
export const META_FAMILY: i32 = 2;
/** u8: the last header's protocol number */
export const META_PROTOCOL: i32 = 3;
/** u16: where the transport header starts */
export const META_L4_OFFSET: i32 = 4;
/** u16: where the payload starts */
export const META_PAYLOAD_OFFSET: i32 = 6;
/** u16: octets of payload */
export const META_PAYLOAD_BYTES: i32 = 8;
/** u16: octets of the packet as its IP header says */
export const META_TOTAL_BYTES: i32 = 10;
/** u16 each: 0 where the protocol has none */
export const META_SOURCE_PORT: i32 = 12;
export const META_DESTINATION_PORT: i32 = 14;
/** u8: TCP flags, 0 for others */
export const META_TCP_FLAGS: i32 = 16;
/** u8: 0 when the sender opened the flow (or nobody is known to have), 1 for answers */
export const META_DIRECTION: i32 = 17;
/** u16: fragment offset in units of eight octets */
export const META_FRAGMENT_OFFSET: i32 = 18;
/** u8: MetaFlag bits */
export const META_FLAGS: i32 = 20;
/** u8: L7 */
export const META_L7: i32 = 21;
/** u16: index of the rule plus one; 0 none */
export const META_RULE: i32 = 22;
/** u32 each */
export const META_SEQ: i32 = 24;
export const META_ACK: i32 = 28;
/** u32: index of the flow entry; 0 untracked */
export const META_FLOW: i32 = 32;
/** u16 each: the packets of the tx list that stand for this one */
export const META_TX_FIRST: i32 = 36;
export const META_TX_COUNT: i32 = 38;
/** u16 each: the host name, octets from the start of the payload */
export const META_HOST_OFFSET: i32 = 40;
export const META_HOST_BYTES: i32 = 42;
/** u16: number of this packet among those of its direction in the flow, from 1; 65535 and more are 65535 */
export const META_PACKET_NUMBER: i32 = 44;
/** u32 each: the keyed hash of the five-tuple, the same for both directions */
export const META_HASH_LOW: i32 = 48;
export const META_HASH_HIGH: i32 = 52;

export enum MetaFlag {
  /** The packet is a fragment (of any offset). */
  Fragment = 1,
  /** More fragments follow. */
  MoreFragments = 2,
}

/** What a message is. */
export enum L7 {
  None = 0,
  /** A TLS ClientHello (RFC 8446 section 4.1.2) */
  Tls = 1,
  /** An HTTP/1 request (RFC 9112) */
  Http = 2,
  /** A QUIC Initial with a ClientHello in it (RFC 9000, RFC 9369) */
  Quic = 3,
  /** A DNS query over UDP (RFC 1035) */
  Dns = 4,
  /** The SYN that opens a flow */
  Syn = 5,
}

/** Words of the control page, u32 each, read and written with atomics. */
export const CONTROL_RULES: i32 = 0;
export const CONTROL_STOP: i32 = 4;
/** Not 0: there are host names by address. */
export const CONTROL_NAMES: i32 = 8;

/**
 * One host name by address, NAME_BYTES each. Only the host writes it: an odd turn means that it is at it, and a reader
 * that saw the turn change has read nothing.
 */
export const NAME_TURN: i32 = 0;
/** u32: milliseconds of the host's clock, modulo 2^32, until which it holds */
export const NAME_UNTIL: i32 = 4;
/** 16 octets; IPv4 as ::ffff:a.b.c.d */
export const NAME_ADDRESS: i32 = 8;
/** u16: octets of the name; 0: the place is free */
export const NAME_LENGTH: i32 = 24;
export const NAME_TEXT: i32 = 32;
// The bucket of an address is the lower bits of a hash that starts with NAME_HASH_OFFSET. For each of the four words of
// its sixteen octets, little-endian: hash = (hash ^ word) × NAME_HASH_MULTIPLIER; hash ^= hash >>> 15.
export const NAME_HASH_OFFSET: u32 = 0x811c9dc5;
export const NAME_HASH_MULTIPLIER: u32 = 0x9e3779b1;

/** Words of a lane, u32 each. */
export const WORD_TX_COUNT: i32 = 0;
export const WORD_TX_BYTES: i32 = 4;
/** Index plus one of the packet whose host name the engine wants from its host; 0: it asks for none. */
export const WORD_ASKED: i32 = 8;
/** Index plus one of the packet that the host has answered for; the name lies at LANE_NAME. */
export const WORD_ANSWERED: i32 = 12;
/** What the host answered: octets of the name, or an Answer. */
export const WORD_ANSWER: i32 = 16;
/** Packets held. The host polls again within a few milliseconds while it is not 0. */
export const WORD_HELD: i32 = 20;

/** Messages held or remembered. */
export const WORD_HOLDS: i32 = 24;
/** Address of the rule table that the lane works with; 0: none. Its host writes to no table that stands here. */
export const WORD_RULES: i32 = 28;
/** Translations at LANE_WANTED, whose SYNs are held until the host has answered; it sets this to 0. */
export const WORD_WANTED: i32 = 36;
/** Admissions that were written and read, modulo 2^32; the host writes and the lane's thread reads, with atomics. */
export const WORD_ADMISSIONS_WRITTEN: i32 = 40;
export const WORD_ADMISSIONS_READ: i32 = 44;
/** Queries that the host has taken over so far; the lane counts those that it gave. Read and written with atomics. */
export const WORD_QUERIES_TAKEN: i32 = 48;
/** The same of packets that are carried on by sockets, in octets modulo 2^32. */
export const WORD_CARRIED_TAKEN: i32 = 52;
/** 1: a host has opened the lane. */
export const WORD_OPENED: i32 = 60;
/** No deadline of theirs is earlier; it holds while WORD_HOLDS is not 0. */
export const WORD_DEADLINE: i32 = 32;

/**
 * Turns of the lane's loop, modulo 2^32, written by the lane's host: one that stands still hangs. Away from the words
 * that the engine writes.
 */
export const WORD_TURNS: i32 = 128;
/** Octets of the largest packet that the way out takes; any thread may write it, the next poll goes by it. */
export const WORD_MTU: i32 = 132;

/** What a host answers besides a name's octets, which are 1..HOST_MAX_BYTES. */
export enum Answer {
  /** There is no name in this packet, or it cannot be found. */
  None = 0,
  /** The name is cut off; later packets of the flow have the rest. */
  Incomplete = 0xffff,
}

/** What `coalesce` may do with the packets of one flow. */
export enum Coalesce {
  /** Merge TCP segments, each behind the one that it follows. */
  Tcp = 1,
  /** Merge UDP datagrams. */
  Udp = 2,
  /** Put a TCP segment before the one that it precedes: undoes a wrong order, also one that was made on purpose. */
  Prepend = 4,
}

/** One packet as it is written to a device with offload: 16 octets each, from LANE_OFFLOAD + OFFLOAD_GROUPS on. */
export const GROUP_BYTES: i32 = 16;
/** u32: its first piece, an index of the iovecs and of the order */
export const GROUP_FIRST: i32 = 0;
/** u32: its pieces: one for each packet of the tx list that is in it */
export const GROUP_PIECES: i32 = 4;
/** u32: where its virtio_net_hdr lies, which is where its first piece starts */
export const GROUP_AT: i32 = 8;
/** u32: its octets, virtio_net_hdr and all pieces */
export const GROUP_OCTETS: i32 = 12;
/**
 * What lies in the offload region: groups, iovecs (two u64 each), and for each piece its index in the tx list (u16).
 */
export const OFFLOAD_GROUPS: i32 = 0;
export const OFFLOAD_PIECES: i32 = 0x8000;
export const OFFLOAD_ORDER: i32 = 0x10000;

/** Bits of the flags that a lane is opened with. */
export enum LaneFlag {
  /** Packets that come in have a virtio_net_hdr before them. */
  RxVnet = 1,
  /** Packets that go out may be super-packets with partial checksums and get a virtio_net_hdr before them. */
  TxVnet = 2,
  /** Look for messages and plan them; without it packets are parsed, tracked and passed. */
  Plan = 4,
  /** Keep flows. */
  Track = 8,
  /** Drop IPv6 packets of link-local scope, and count them. */
  DropLinkScope = 16,
  /** Translate flows that a rule sends to the listener; see translate.ts. */
  Translate = 32,
  /** Take out datagrams and echo requests that a rule has carried on by sockets. */
  Carry = 64,
}

/** Counters of one lane, u64 each, at LANE_COUNTERS. */
export enum Counter {
  PacketsIn = 0,
  BytesIn = 1,
  PacketsOut = 2,
  BytesOut = 3,
  FlowsInserted = 4,
  FlowsEvicted = 5,
  FlowsExpired = 6,
  FlowsUntracked = 7,
  MessagesTls = 8,
  MessagesHttp = 9,
  Pieces = 10,
  Fakes = 11,
  /** Fakes left out because no fooling could be had for this packet. */
  FakesLeftOut = 12,
  MessagesQuic = 13,
  MessagesDns = 14,
  MessagesSyn = 15,
  /** Counted by the host's loop, in the same page so that one reader sees all. */
  EgressSent = 16,
  EgressRefused = 17,
  QueueDropped = 18,
  Turns = 19,
  /** Flows that are translated: begun, ended in their time, given up for others, refused because all are in use. */
  TranslationsMade = 20,
  TranslationsExpired = 21,
  TranslationsEvicted = 22,
  TranslationsRefused = 23,
  /** Packets to be carried on for which the host's queue had no room. */
  CarriedDropped = 24,
  /** Resets and ICMP errors, which nobody sends again, that found no way out in time. */
  AnswersDropped = 25,
  /** Queries to be answered for which the host's queue had no room. */
  QueriesDropped = 30,
  /** Reason r is counted at Reasons + r. */
  Reasons = 64,
}
export const COUNTERS_MAX: i32 = 128;

/** Bits of a flow's state. */
export enum FlowState {
  /** Which endpoint sent the first packet. */
  OpenedByA = 1,
  OpenedByB = 2,
  Syn = 4,
  SynAck = 8,
  /** The opener's ACK of the SYN,ACK was seen, or data. */
  Established = 16,
  FinA = 32,
  FinB = 64,
  Reset = 128,
}

/** One flow, 64 octets. The lower endpoint stands first (A), so that both directions find the same entry. */
export const FLOW_A: i32 = 0;
export const FLOW_B: i32 = 16;
/** u32: port of A << 16 | port of B */
export const FLOW_PORTS: i32 = 32;
/** u8 each */
export const FLOW_PROTOCOL: i32 = 36;
export const FLOW_FAMILY: i32 = 37;
/** u8: FlowState bits */
export const FLOW_STATE: i32 = 38;
/** u8: L7 */
export const FLOW_L7: i32 = 39;
/** u32: milliseconds of the host's clock, modulo 2^32 */
export const FLOW_LAST_SEEN: i32 = 40;
/** u16: rule plus one */
export const FLOW_RULE: i32 = 44;
/** u8: messages planned, 255 and more are 255 */
export const FLOW_PLANNED: i32 = 46;
/** u8: hops to the other side as its SYN,ACK told; 0: not known */
export const FLOW_HOPS: i32 = 47;
/** u32 each */
export const FLOW_PACKETS_A: i32 = 48;
export const FLOW_PACKETS_B: i32 = 52;
export const FLOW_BYTES_A: i32 = 56;
export const FLOW_BYTES_B: i32 = 60;
