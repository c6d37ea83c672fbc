// The five-tuple of a packet, the lower endpoint first, so that both directions have the same key and the same hash.
#ifndef BENCH_FLOW_KEY_H
#define BENCH_FLOW_KEY_H

#include <stdbool.h>

#include "meta.h"
#include "octets.h"

/** The first 40 octets are the first 40 of a flow entry (FLOW_A, FLOW_B, FLOW_PORTS). */
struct flow_key {
  uint64_t a[2];
  uint64_t b[2];
  uint32_t ports;
  uint8_t protocol;
  uint8_t family;
  /** The packet goes from B to A. */
  bool from_b;
  uint64_t hash;
};

/** One multiply-xorshift round. The seed is secret, so that nobody outside can aim at one bucket. */
static inline uint64_t mix_round(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 32);
}

static inline struct flow_key flow_key_of(const uint8_t *packet, const struct meta *meta, uint64_t seed) {
  uint64_t source[2], destination[2];
  if (meta->family == 4) {
    source[0] = word32(packet + 12);
    destination[0] = word32(packet + 16);
    source[1] = destination[1] = 0;
  } else {
    source[0] = word64(packet + 8);
    source[1] = word64(packet + 16);
    destination[0] = word64(packet + 24);
    destination[1] = word64(packet + 32);
  }
  uint32_t from = meta->source_port, to = meta->destination_port;
  bool from_b = source[0] > destination[0] ||
                (source[0] == destination[0] &&
                 (source[1] > destination[1] || (source[1] == destination[1] && from > to)));
  struct flow_key key = {.protocol = meta->protocol, .family = meta->family, .from_b = from_b};
  key.a[0] = from_b ? destination[0] : source[0];
  key.a[1] = from_b ? destination[1] : source[1];
  key.b[0] = from_b ? source[0] : destination[0];
  key.b[1] = from_b ? source[1] : destination[1];
  key.ports = from_b ? to << 16 | from : from << 16 | to;
  uint64_t hash = mix_round(seed, key.a[0]);
  hash = mix_round(hash, key.a[1]);
  hash = mix_round(hash, key.b[0]);
  hash = mix_round(hash, key.b[1]);
  hash = mix_round(hash, (uint64_t)key.ports << 16 | key.family << 8 | key.protocol);
  // A tag of 0 is a free way.
  key.hash = hash | 1;
  return key;
}

#endif
