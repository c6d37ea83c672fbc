/// <reference path="./as-types.d.ts" />
// Every queue, table and loop of the engine has its limit here.

/** Queues of one device; each has a thread of its own. */
export const QUEUES_MAX: i32 = 4;
/**
 * Data-plane instances over one memory; each has a lane region of its own. A queue has two, one for what arrives from
 * outside, and the host has one.
 */
export const LANES_MAX: i32 = 2 * QUEUES_MAX + 1;
/** Packets that one burst can bring in. */
export const RX_MAX: i32 = 64;
/** Packets that one burst can send out. The worst packet alone is 65535 octets cut at Linux' smallest MSS, 48. */
export const TX_MAX: i32 = 2048;
/**
 * Packets that are merged to one at most: as many datagrams as Linux cuts from one (UDP_MAX_SEGMENTS,
 * include/linux/udp.h).
 */
export const GROUP_PACKETS_MAX: i32 = 64;
/** Flows of one burst that are told apart when it is merged: places looked at for one of them. */
export const GROUP_PROBES_MAX: i32 = 8;
/** The largest packet, octets: total length is a 16-bit field in our records. IPv6 packets above it pass untouched. */
export const PACKET_MAX_BYTES: i32 = 65535;
/** Steps of a plan: pieces and fakes of one message. */
export const PLAN_STEPS_MAX: i32 = 64;
/** Techniques of one strategy. */
export const OPS_MAX: i32 = 8;
/** Split points of one technique. */
export const POINTS_MAX: i32 = 8;
/** How often one fake is repeated. */
export const REPEATS_MAX: i32 = 20;
/** Messages that one lane holds or remembers at a time. */
export const HOLDS_MAX: i32 = 48;
/** Octets of what says whose message it is. These records stand before all places: a search stays in the cache. */
export const HOLD_RECORD_BYTES: i32 = 64;
/**
 * Octets of the memory for one of them: an odd number of cache lines, or the first lines of all places would fight for
 * the same few cells of the cache.
 */
export const HOLD_PLACE_BYTES: i32 = 32704;
/** Packets of one held message. */
export const HOLD_PACKETS_MAX: i32 = 12;
/** Octets of one held message. */
export const HOLD_MESSAGE_MAX_BYTES: i32 = 8192;
/** How long a message may take to become whole. */
export const HOLD_MAX_MS: i32 = 100;
/** How long a planned message is remembered, so that its retransmissions are planned the same way. */
export const REMEMBER_MS: i32 = 8000;
/** IPv6 extension headers that are followed before the packet passes as it is. */
export const EXTENSION_HEADERS_MAX: i32 = 8;
/** TLS extensions that are looked at in search of server_name. */
export const TLS_EXTENSIONS_MAX: i32 = 64;
/** Records that one ClientHello may be spread over, and octets of it that are looked at. */
export const TLS_RECORDS_MAX: i32 = 16;
export const TLS_HELLO_MAX_BYTES: i32 = 16384;
/** Octets of an HTTP request that are searched for the Host header. */
export const HTTP_SEARCH_MAX_BYTES: i32 = 4096;
/** QUIC packets of one datagram that are looked at in search of Initials. */
export const QUIC_PACKETS_MAX: i32 = 8;
/** Octets of a host name (RFC 1035 section 2.3.4). */
export const HOST_MAX_BYTES: i32 = 253;
/** Queries of one lane that wait until the host takes them over. */
export const QUERIES_MAX: i32 = 256;
/** Octets of packets to be carried on by sockets that wait for the host. */
export const CARRIED_MAX_BYTES: i32 = 0x400000;
/** Datagrams in fragments of which a lane knows that they are carried on. */
export const CARRIED_FRAGMENTS_MAX: i32 = 32;
/** How long the fragments of one datagram are known: as long as Linux waits for them (net.ipv4.ipfrag_time). */
export const CARRIED_FRAGMENT_MS: i32 = 30000;
/** Host names by address: buckets, a power of two, and names of one bucket. */
export const NAME_BUCKETS: i32 = 1024;
export const NAME_WAYS: i32 = 8;
/** Rules of one table. */
export const RULES_MAX: i32 = 1024;
/** Port ranges of one rule. */
export const PORT_RANGES_MAX: i32 = 4;
/** Places looked at for one name in the host table; the encoder grows the table until every name is within it. */
export const HOST_PROBES_MAX: i32 = 32;
/** Buckets of the flow table; seven flows each. */
export const FLOW_BUCKETS_MAX: i32 = 16384;
/** Flows of one bucket. */
export const FLOW_WAYS: i32 = 7;
/** Turns that a lane waits for a bucket's lock before the packet goes untracked. */
export const FLOW_SPINS_MAX: i32 = 256;
/** Address ranges of one set and family, and steps of the search among them. */
export const ADDRESS_RANGES_MAX: i32 = 131072;
export const ADDRESS_SEARCH_MAX: i32 = 17;
/** Address sets of one table. */
export const ADDRESS_SETS_MAX: i32 = 256;
