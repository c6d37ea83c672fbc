// The rule table, as `@bunnel/profile` writes it and the engine reads it. Little-endian; offsets count from the table's
// start.
//
//   | header 64 | rules 48 × n | strategies 16 × n | operations 64 × n | address sets 16 × n | address ranges …
//   | host places 16 × 2^k | text and payloads … |
//
// Rules are looked at in order; the first that matches decides.

import { RULES_TABLE_BYTES } from "./layout";

export const RULES_MAGIC: i32 = 0x544e4e42; // "BNNT"
export const RULES_VERSION: i32 = 4;
export const RULES_HEADER_BYTES: i32 = 64;
/** u32 each */
export const HEADER_MAGIC: i32 = 0;
export const HEADER_VERSION: i32 = 4;
export const HEADER_TOTAL_BYTES: i32 = 8;
export const HEADER_RULE_COUNT: i32 = 12;
export const HEADER_STRATEGY_COUNT: i32 = 16;
export const HEADER_RULES_AT: i32 = 20;
export const HEADER_STRATEGIES_AT: i32 = 24;
export const HEADER_HOSTS_AT: i32 = 28;
/** Places minus one; places are a power of two, at least one. */
export const HEADER_HOSTS_MASK: i32 = 32;
/** Grows with every table that a host loads. */
export const HEADER_GENERATION: i32 = 36;
export const HEADER_ADDRESS_SETS_AT: i32 = 40;
export const HEADER_ADDRESS_SET_COUNT: i32 = 44;
/** Bit 1 << L7 for each kind that a rule asks for: the engine does not look for others. */
export const HEADER_L7_MASK: i32 = 48;

/**
 * Bits of the filter of host names, as a power of two; 0: there is none. A table says 0, and the host that loads it
 * writes over that: the filter does not stand in the table but at HOST_FILTER_AT behind its start, in the place where
 * the table was laid.
 */
export const HEADER_FILTER_BITS: i32 = 52;
/** Bit 1 << RuleEgress for each of Datagrams and Echo that a rule asks for. */
export const HEADER_CARRIED: i32 = 56;
/** 1: a connection to an address whose name is known is chosen for RuleEgress.Stream by that name; else 0. */
export const HEADER_STREAM_BY_NAME: i32 = 60;

export const RULE_BYTES: i32 = 48;
/** u8: bit 1 << L7 for each kind of message; 0 for rules from RuleEgress.Datagrams on, which look at none */
export const RULE_L7_MASK: i32 = 0;
/** u8: bit 0 IPv4, bit 1 IPv6 */
export const RULE_FAMILY_MASK: i32 = 1;
/** u16: index of the strategy, or RULE_EXCLUDE */
export const RULE_STRATEGY: i32 = 2;
/** u16: host set; 0 any host, found or not */
export const RULE_HOST_SET: i32 = 4;
/** u16: ranges used; 0 any port */
export const RULE_PORT_COUNT: i32 = 6;
/** PORT_RANGES_MAX × (u16 first, u16 last), destination ports */
export const RULE_PORTS: i32 = 8;
/** u16: address set that the destination must be in, from 1; 0 any address */
export const RULE_ADDRESS_SET: i32 = 24;
/** u8: bit 0 sent by the side that opened the flow, bit 1 by the other; 0 both */
export const RULE_DIRECTION_MASK: i32 = 26;
/** u8: RuleEgress; all but Packet name no strategy but RULE_EXCLUDE, since what they do is done by sockets. */
export const RULE_EGRESS: i32 = 27;
/**
 * u16 each: only packets of the flow from this number to that one, the first packet of a direction being 1; 0, 0 any
 */
export const RULE_PACKET_FIRST: i32 = 28;
export const RULE_PACKET_LAST: i32 = 30;
/** A strategy number that means: leave the message alone. */
export const RULE_EXCLUDE: i32 = 0xffff;

/** How flows of a rule leave. */
export enum RuleEgress {
  /** As packets. */
  Packet = 0,
  /** Translated to a listener of this machine, and on by sockets. */
  Stream = 1,
  /** Each UDP datagram is taken out, and carried on by a socket. */
  Datagrams = 2,
  /** Each ICMP echo request. */
  Echo = 3,
  /** Neither, whatever rules behind it say. */
  Left = 4,
}

export const STRATEGY_BYTES: i32 = 16;
/** u8: L7 that it is for */
export const STRATEGY_L7: i32 = 0;
/** u8 */
export const STRATEGY_OP_COUNT: i32 = 1;
/** u32 */
export const STRATEGY_OPS_AT: i32 = 4;

/** Octets of a resolver in the text: an address of 4 or 16, and a port. */
export const RESOLVER_V4_BYTES: i32 = 6;
export const RESOLVER_V6_BYTES: i32 = 18;

/** Octets of a payload, a pattern or an overlap: those of a TLS record (RFC 8446 section 5.1). */
export const PAYLOAD_MAX_BYTES: i32 = 16384;

export const OP_BYTES: i32 = 64;
/** u8: Technique */
export const OP_TECHNIQUE: i32 = 0;
/** u8 */
export const OP_POINT_COUNT: i32 = 1;
/** u16: Fooling bits */
export const OP_FOOLINGS: i32 = 2;
/** u8: hop limit for Fooling.Ttl */
export const OP_TTL: i32 = 4;
/** u8: 1..REPEATS_MAX */
export const OP_REPEATS: i32 = 5;
/** u8: Decoy */
export const OP_DECOY: i32 = 6;
/** u8: OpFlag bits */
export const OP_FLAGS: i32 = 7;
/** u32, u16: decoy host name, payload or pattern in the text; a payload or pattern has at most PAYLOAD_MAX_BYTES */
export const OP_NAME_AT: i32 = 8;
export const OP_NAME_BYTES: i32 = 12;
/** u16: octets of the window, the MSS, a delay in milliseconds, a jitter: see Technique */
export const OP_WORD: i32 = 14;
/** POINTS_MAX × (u8 Marker, u8 0, i16 offset) */
export const OP_POINTS: i32 = 16;
export const POINT_BYTES: i32 = 4;
/** i32: added to the sequence number by Fooling.BadSeq; otherwise the number that the technique takes */
export const OP_VALUE: i32 = 48;
/** i32: added to the acknowledgement number by Fooling.BadSeq */
export const OP_VALUE2: i32 = 52;
/** i32: added to the time stamp by Fooling.Ts */
export const OP_TS_SHIFT: i32 = 56;
/** i8: added to the distance by Fooling.AutoTtl; u8, u8: the hop limits it stays between */
export const OP_AUTO_DELTA: i32 = 60;
export const OP_AUTO_MIN: i32 = 61;
export const OP_AUTO_MAX: i32 = 62;

/** What is done; the numbers in brackets are the OP_ fields that it reads besides points, foolings and decoy. */
export enum Technique {
  /** Cuts the message at its points. */
  Split = 1,
  /** Sends the pieces last first. */
  Disorder = 2,
  /** Sends a decoy of the whole message before it, `repeats` times. */
  Fake = 3,
  /** Sends the pieces in front of which fake octets stand: [VALUE octets before the window; pattern in the text]. */
  SeqOvl = 4,
  /** Each piece between two decoys of its own octets. */
  FakedSplit = 5,
  /** The octets of the host name between decoys of another name. */
  HostFakeSplit = 6,
  /** A payload on the SYN. */
  SynData = 7,
  /** A SYN,ACK before the SYN. */
  SynAck = 8,
  /** An RST before the message; OpFlag.RstAck: with ACK. */
  Rst = 9,
  /** The window field of the packet: [WORD; VALUE: window scale option of a SYN, -1 as it is]. */
  Window = 10,
  /** The MSS option of a SYN: [WORD]. */
  Mss = 11,
  /** IP fragments, the first with VALUE octets behind the IP header (a multiple of 8). */
  IpFrag = 12,
  /** Octets added to (or, below zero, taken from) a UDP payload: [VALUE; pattern in the text]. */
  UdpLen = 13,
  /** The packet goes nowhere. */
  Drop = 14,
  /** HTTP: octets changed, the length kept: [VALUE: HttpTrick bits]. */
  HttpTrick = 15,
  /** IPv4 identification: [VALUE: IpIdScheme]. */
  IpId = 16,
  /** The real steps once more: [repeats]. */
  Duplicate = 17,
  /** Time between the steps: [WORD milliseconds, VALUE jitter in milliseconds]. */
  Delay = 18,
  /** Hop limit of the real steps: [TTL]. */
  Ttl = 19,
  /** Traffic class of the real steps: [VALUE]. */
  Tos = 20,
  /** DNS: the host answers the query, by HTTPS. */
  Doh = 30,
  /** DNS: the host answers the query, by another resolver: [its address and port in the text, in network order]. */
  Redirect = 31,
}

export enum OpFlag {
  /** A decoy of TLS gets the message's session id. */
  DupSessionId = 1,
  /** A decoy of TLS is padded to the message's size. */
  PadEncap = 2,
  /** A decoy's name is random, anew for each message. */
  RandomName = 4,
  /** SeqOvl: the second piece is widened, which the first overwrites; without it the first piece is widened. */
  OverlapSecond = 8,
  /** Rst: with ACK. */
  RstAck = 16,
  /** HostFakeSplit: the real host is cut in its middle too. */
  MidHost = 32,
  /** Fakes stand behind the real pieces, not before. */
  After = 64,
  /** IpFrag: IPv6 gets a hop-by-hop header instead of fragments. */
  HopByHop = 128,
}

/** Damage that makes the endpoint discard a segment. */
export enum Fooling {
  /** A hop limit that ends between the box and the endpoint. */
  Ttl = 1,
  /** A wrong TCP checksum. */
  BadSum = 2,
  /** Sequence and acknowledgement numbers outside the window. */
  BadSeq = 4,
  /** The MD5 signature option (RFC 2385), unsigned. */
  Md5Sig = 8,
  /** No ACK flag. */
  DataNoAck = 16,
  /** An old time stamp (PAWS, RFC 7323 section 5). */
  Ts = 32,
  /** A data offset that makes options of the payload. */
  DataOffset = 64,
  /** A hop limit from the distance that the SYN,ACK tells; without one, OP_TTL where it is not 0. */
  AutoTtl = 128,
}

/** What a fake carries. */
export enum Decoy {
  /** The message itself with another host name of the same length in it. */
  Name = 0,
  /** As many zero octets as the message has. */
  Zeros = 1,
  /** As many random octets as the message has, the same for the same flow and sequence number. */
  Random = 2,
  /** The octets in the text, as they are. */
  Payload = 3,
}

/** Length-keeping changes of an HTTP request. */
export enum HttpTrick {
  /** `host:` */
  HostCase = 1,
  /** `hoSt:` */
  HostMixed = 2,
  /** `Host:name`, the space going to the end of the User-Agent. */
  HostNoSpace = 4,
  /** The host name in mixed case. */
  DomainCase = 8,
  /** Lines end with a line feed alone, the octets going to the User-Agent. */
  UnixEol = 16,
}

/** How IPv4 identifications of the packets made of one are chosen. */
export enum IpIdScheme {
  /** The packet's, plus one each. */
  Sequential = 0,
  /** The same for a piece and its decoys. */
  Group = 1,
  Random = 2,
  Zero = 3,
}

/** Where in a message; an offset is added. */
export enum Marker {
  /** From the first octet; a negative offset counts from the end. */
  Absolute = 0,
  /** HTTP method */
  Method = 1,
  /** First octet of the host name */
  Host = 2,
  /** Behind the host name */
  EndHost = 3,
  /** First octet of the second-level domain: in www.example.org the e */
  Sld = 4,
  /** Rounded up, so that even a label of one octet is cut from the dot behind it. */
  MidSld = 5,
  /** Behind the second-level domain */
  EndSld = 6,
  /** The data of the server_name extension */
  SniExt = 7,
}

export const HOST_PLACE_BYTES: i32 = 16;
/** u32: hash of the name; 0 an empty place */
export const HOST_HASH: i32 = 0;
/** u32: the name in the text, lower case */
export const HOST_TEXT_AT: i32 = 4;
/** u16 */
export const HOST_TEXT_BYTES: i32 = 8;
/** u16: the set that the name belongs to, from 1 */
export const HOST_SET: i32 = 10;
/** u16: HostMatch */
export const HOST_MATCH: i32 = 12;

export enum HostMatch {
  /** This name alone. */
  Exact = 1,
  /** This name and all below it. */
  Suffix = 2,
}

// Names are hashed in lower case, label by label from the last to the first and each from its end, so that one walk to
// the left yields the hash of every name above. A label begins with hash ^= its octets. Sixteen octets are four
// little-endian words; where fewer are left in front of a label, those before it are 0. Each word is mixed by itself,
// the four side by side: word × its multiplier; word ^= word >>> 15; word × the last multiplier. Then
// hash = (hash ^ their sum) × multiplier; hash ^= hash >>> 15. A hash of 0 is stored as 1. Collisions go to the next
// place.
export const HOST_HASH_OFFSET: u32 = 0x811c9dc5;
export const HOST_HASH_MULTIPLIER: u32 = 0x9e3779b1;
export const HOST_WORD_MULTIPLIER_0: u32 = 0x85ebca77;
export const HOST_WORD_MULTIPLIER_1: u32 = 0xc2b2ae3d;
export const HOST_WORD_MULTIPLIER_2: u32 = 0x27d4eb2f;
export const HOST_WORD_MULTIPLIER_3: u32 = 0x165667b1;
export const HOST_WORD_MULTIPLIER: u32 = 0x7feb352d;

// The filter has one bit set for each name: bit (hash × multiplier) >>> (32 - bits). It lies in the cache where the
// places do not, and tells of most names that they are in no list.
export const HOST_FILTER_MULTIPLIER: u32 = 0x9e3779b1;
/** 2^23 bits are sixteen for each of half a million names: of sixteen names that are in no list one is looked for. */
export const HOST_FILTER_BITS_MAX: i32 = 23;
/** The places of fewer names lie in the cache themselves. */
export const HOST_FILTER_NAMES_MIN: i32 = 1024;
export const HOST_FILTER_AT: i32 = RULES_TABLE_BYTES - (1 << (HOST_FILTER_BITS_MAX - 3));

export const ADDRESS_SET_BYTES: i32 = 16;
/** u32 each: disjoint ranges in rising order, first and last address in network order: v4 2 × 4 octets, v6 2 × 16 */
export const ADDRESS_SET_V4_AT: i32 = 0;
export const ADDRESS_SET_V4_COUNT: i32 = 4;
export const ADDRESS_SET_V6_AT: i32 = 8;
export const ADDRESS_SET_V6_COUNT: i32 = 12;
export const ADDRESS_RANGE_V4_BYTES: i32 = 8;
export const ADDRESS_RANGE_V6_BYTES: i32 = 32;
