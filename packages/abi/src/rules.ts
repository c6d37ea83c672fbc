// The rule table, as `@bunnel/profile` writes it and the engine reads it. Little-endian; offsets count from the table's start.
//
//   | header 64 | rules 32 × n | strategies 16 × n | operations 64 × n | host places 16 × 2^k | text … |
//
// Rules are looked at in order; the first that matches decides.

export const RULES_MAGIC: i32 = 0x544e4e42; // "BNNT"
export const RULES_VERSION: i32 = 1;
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

export const RULE_BYTES: i32 = 32;
/** u8: bit 1 << L7 for each kind of message */
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
/** A strategy number that means: leave the message alone. */
export const RULE_EXCLUDE: i32 = 0xffff;

export const STRATEGY_BYTES: i32 = 16;
/** u8: L7 that it is for */
export const STRATEGY_L7: i32 = 0;
/** u8 */
export const STRATEGY_OP_COUNT: i32 = 1;
/** u32 */
export const STRATEGY_OPS_AT: i32 = 4;

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
/** u32, u16: decoy host name in the text */
export const OP_NAME_AT: i32 = 8;
export const OP_NAME_BYTES: i32 = 12;
/** POINTS_MAX × (u8 Marker, u8 0, i16 offset) */
export const OP_POINTS: i32 = 16;
export const POINT_BYTES: i32 = 4;

export enum Technique {
  /** Cuts the message at its points. */
  Split = 1,
  /** Sends the pieces last first. */
  Disorder = 2,
  /** Sends a decoy of the whole message before it. */
  Fake = 3,
}

/** Damage that makes the endpoint discard a segment. */
export enum Fooling {
  /** A hop limit that ends between the box and the endpoint. */
  Ttl = 1,
  /** A wrong TCP checksum. */
  BadSum = 2,
}

/** What a fake carries. */
export enum Decoy {
  /** The message itself with another host name of the same length in it. */
  Name = 0,
  /** As many zero octets as the message has. */
  Zeros = 1,
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

// Names are hashed from the last octet to the first, lower case, with FNV-1a, so that one walk to the left
// yields the hash of every suffix. A hash of 0 is stored as 1. Collisions go to the next place.
export const HOST_HASH_OFFSET: u32 = 0x811c9dc5;
export const HOST_HASH_PRIME: u32 = 0x01000193;
