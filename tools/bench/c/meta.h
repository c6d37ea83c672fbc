// The record beside each packet, as packages/abi/src/records.ts lays it out (META_*). The twin fills the same octets as
// the engine, so that both write the same cache lines and their records can be compared.
#ifndef BENCH_META_H
#define BENCH_META_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_ICMP6 = 58 };
enum { META_FRAGMENT = 1, META_MORE_FRAGMENTS = 2 };
enum { REASON_PASS_ORDINARY = 0, REASON_PASS_MALFORMED = 1, REASON_PASS_FRAGMENT = 2 };

struct meta {
  uint8_t verdict;
  uint8_t reason;
  uint8_t family;
  uint8_t protocol;
  uint16_t l4_offset;
  uint16_t payload_offset;
  uint16_t payload_bytes;
  uint16_t total_bytes;
  uint16_t source_port;
  uint16_t destination_port;
  uint8_t tcp_flags;
  uint8_t direction;
  uint16_t fragment_offset;
  uint8_t flags;
  uint8_t l7;
  uint16_t rule;
  uint32_t seq;
  uint32_t ack;
  uint32_t flow;
  uint16_t tx_first;
  uint16_t tx_count;
  uint16_t host_offset;
  uint16_t host_bytes;
  uint16_t packet_number;
  uint16_t spare;
  uint32_t hash_low;
  uint32_t hash_high;
  uint64_t spare_too;
};

static_assert(sizeof(struct meta) == 64, "META_BYTES");
static_assert(offsetof(struct meta, total_bytes) == 10, "META_TOTAL_BYTES");
static_assert(offsetof(struct meta, fragment_offset) == 18, "META_FRAGMENT_OFFSET");
static_assert(offsetof(struct meta, seq) == 24, "META_SEQ");
static_assert(offsetof(struct meta, flow) == 32, "META_FLOW");
static_assert(offsetof(struct meta, packet_number) == 44, "META_PACKET_NUMBER");
static_assert(offsetof(struct meta, hash_low) == 48, "META_HASH_LOW");

#endif
