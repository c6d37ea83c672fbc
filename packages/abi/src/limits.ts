/// <reference path="./as-types.d.ts" />
// Every queue, table and loop of the engine has its limit here.

/** Data-plane instances over one memory; each has a lane region of its own. */
export const LANES_MAX: i32 = 4;
/** Packets that one burst can bring in. */
export const RX_MAX: i32 = 64;
/** Packets that one burst can send out. The worst packet alone is 65535 octets cut at Linux' smallest MSS, 48. */
export const TX_MAX: i32 = 2048;
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
/** IPv6 extension headers that are followed before the packet passes as it is. */
export const EXTENSION_HEADERS_MAX: i32 = 8;
/** TLS extensions that are looked at in search of server_name. */
export const TLS_EXTENSIONS_MAX: i32 = 64;
/** Octets of an HTTP request that are searched for the Host header. */
export const HTTP_SEARCH_MAX_BYTES: i32 = 4096;
/** Octets of a host name (RFC 1035 section 2.3.4). */
export const HOST_MAX_BYTES: i32 = 253;
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
