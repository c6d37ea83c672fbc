// The flow table, laid out and worked as the engine's (packages/abi/src/layout.ts, records.ts; FLOW_*).
//
//   bucket: | lock u32, 0 | tag 1 | tag 2 | … | tag 7 |      tag: 0 free, 2 being written, else the key's hash (odd)
//   way w of bucket b has entry b*8+w
//
// A hit takes no lock: the tag is read, the entry compared, the tag read again. A miss takes the bucket's lock, looks
// again, and takes the free way, or a flow that did not go on, or the one that was not seen for longest.
#ifndef BENCH_FLOW_TABLE_H
#define BENCH_FLOW_TABLE_H

#include <stdlib.h>

#include "flow-key.h"

enum { FLOW_BUCKETS = 16384, FLOW_WAYS = 7, FLOW_SPINS_MAX = 256 };
enum { TAG_FREE = 0, TAG_BUSY = 2 };
/** Added to the age of a flow that is not proven. */
static const int64_t UNPROVEN = (int64_t)1 << 32;
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

/* FlowState of packages/abi/src/records.ts */
enum {
  STATE_OPENED_BY_A = 1,
  STATE_OPENED_BY_B = 2,
  STATE_SYN = 4,
  STATE_SYN_ACK = 8,
  STATE_ESTABLISHED = 16,
  STATE_FIN_A = 32,
  STATE_FIN_B = 64,
  STATE_RESET = 128,
};

struct flow {
  uint64_t a[2];
  uint64_t b[2];
  uint32_t ports;
  uint8_t protocol;
  uint8_t family;
  /** FLOW_STATE_ bits */
  uint8_t state;
  uint8_t l7;
  uint32_t last_seen;
  uint16_t rule;
  uint8_t planned;
  uint8_t hops;
  uint32_t packets_a;
  uint32_t packets_b;
  uint32_t bytes_a;
  uint32_t bytes_b;
};
static_assert(sizeof(struct flow) == 64, "FLOW_ENTRY_BYTES");

struct bucket {
  uint32_t lock;
  uint32_t spare;
  uint64_t tags[FLOW_WAYS];
};
static_assert(sizeof(struct bucket) == 64, "FLOW_BUCKET_BYTES");

struct flow_table {
  struct bucket *buckets;
  struct flow *flows;
  uint64_t seed;
};

/** What happened to flows, per user of the table. */
struct flow_counts {
  uint64_t inserted;
  uint64_t evicted;
  uint64_t untracked;
};

static inline void *zeroed_lines(size_t bytes) {
  void *lines = aligned_alloc(4096, bytes);
  if (lines == NULL) abort();
  memset(lines, 0, bytes);
  return lines;
}

static inline struct flow_table flow_table_open(uint64_t seed) {
  return (struct flow_table){
      .buckets = zeroed_lines(FLOW_BUCKETS * sizeof(struct bucket)),
      .flows = zeroed_lines((size_t)FLOW_BUCKETS * 8 * sizeof(struct flow)),
      .seed = seed,
  };
}

static inline bool flow_is(const struct flow *flow, const struct flow_key *key) {
  return flow->a[0] == key->a[0] && flow->b[0] == key->b[0] && flow->ports == key->ports && flow->a[1] == key->a[1] &&
         flow->b[1] == key->b[1] && flow->protocol == key->protocol && flow->family == key->family;
}

/** The course of a TCP connection, as far as both sides' flags tell it (RFC 9293 section 3.3.2). */
static inline void flow_note_tcp(struct flow *flow, uint32_t flags, bool from_b) {
  uint32_t state = flow->state;
  if (flags & TCP_SYN) state |= flags & TCP_ACK ? STATE_SYN_ACK : STATE_SYN;
  else if (flags & TCP_ACK) state |= STATE_ESTABLISHED;
  if (flags & TCP_FIN) state |= from_b ? STATE_FIN_B : STATE_FIN_A;
  if (flags & TCP_RST) state |= STATE_RESET;
  if (state != flow->state) flow->state = state;
}

static inline void flow_touch(struct flow *flow, struct meta *meta, const struct flow_key *key, uint32_t now_ms) {
  if (flow->last_seen != now_ms) flow->last_seen = now_ms;
  uint32_t packets;
  if (key->from_b) {
    packets = ++flow->packets_b;
    flow->bytes_b += meta->total_bytes;
  } else {
    packets = ++flow->packets_a;
    flow->bytes_a += meta->total_bytes;
  }
  meta->packet_number = packets < 0xffff ? packets : 0xffff;
  meta->direction = (flow->state & (key->from_b ? STATE_OPENED_BY_B : STATE_OPENED_BY_A)) == 0;
  if (meta->protocol == PROTOCOL_TCP) flow_note_tcp(flow, meta->tcp_flags, key->from_b);
}

/** A new flow, without a packet yet. A SYN,ACK that has no flow is an answer: its receiver opened it. */
static inline void flow_begin(struct flow *flow, const struct meta *meta, const struct flow_key *key, uint32_t now_ms) {
  bool is_answer = (meta->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
  *flow = (struct flow){
      .a = {key->a[0], key->a[1]},
      .b = {key->b[0], key->b[1]},
      .ports = key->ports,
      .protocol = key->protocol,
      .family = key->family,
      .state = key->from_b != is_answer ? STATE_OPENED_BY_B : STATE_OPENED_BY_A,
      .last_seen = now_ms,
  };
}

static inline bool bucket_lock(struct bucket *bucket) {
  for (int spin = 0; spin < FLOW_SPINS_MAX; spin++) {
    uint32_t open = 0;
    if (__atomic_compare_exchange_n(&bucket->lock, &open, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return true;
  }
  return false;
}

static inline void bucket_unlock(struct bucket *bucket) { __atomic_store_n(&bucket->lock, 0, __ATOMIC_SEQ_CST); }

static inline int64_t idle_ms(const struct flow *flow, uint32_t now_ms) {
  int32_t idle = (int32_t)(now_ms - flow->last_seen);
  return idle < 0 ? 0 : idle;
}

/** Whether it went on behind its first packet, in TCP with more than SYNs. */
static inline bool flow_is_proven(const struct flow *flow) {
  if (flow->packets_a + flow->packets_b < 2) return false;
  return flow->protocol != PROTOCOL_TCP || (flow->state & STATE_ESTABLISHED) != 0;
}

/**
 * Under the bucket's lock: the way of this key, which another thread may have put there meanwhile; else a free way;
 * else the oldest one whose tag is not ours.
 */
static inline uint32_t find_way(const struct flow_table *table, uint32_t number, const struct flow_key *key,
                                uint32_t now_ms) {
  const struct bucket *bucket = &table->buckets[number];
  uint32_t victim = 0;
  int64_t oldest = -1;
  for (uint32_t way = 0; way < FLOW_WAYS; way++) {
    uint64_t tag = bucket->tags[way];
    const struct flow *flow = &table->flows[number * 8 + way + 1];
    if (tag == key->hash && flow_is(flow, key)) return way;
    int64_t bonus = flow_is_proven(flow) ? 0 : UNPROVEN;
    int64_t age = tag == TAG_FREE ? INT64_MAX : idle_ms(flow, now_ms) + bonus;
    if (age > oldest && tag != key->hash) {
      oldest = age;
      victim = way;
    }
  }
  return victim;
}

/** Out of line: a new flow is rare, and the path of a hit stays short. */
static __attribute__((noinline)) uint32_t flow_insert(struct flow_table *table, uint32_t number, struct meta *meta,
                                                      const struct flow_key *key, uint32_t now_ms,
                                                      struct flow_counts *counts) {
  struct bucket *bucket = &table->buckets[number];
  if (!bucket_lock(bucket)) {
    counts->untracked++;
    return 0;
  }
  uint32_t way = find_way(table, number, key, now_ms);
  uint32_t index = number * 8 + way + 1;
  struct flow *flow = &table->flows[index];
  if (bucket->tags[way] != key->hash) {
    if (bucket->tags[way] != TAG_FREE) counts->evicted++;
    __atomic_store_n(&bucket->tags[way], TAG_BUSY, __ATOMIC_SEQ_CST);
    flow_begin(flow, meta, key, now_ms);
    __atomic_store_n(&bucket->tags[way], key->hash, __ATOMIC_SEQ_CST);
    counts->inserted++;
  }
  flow_touch(flow, meta, key, now_ms);
  bucket_unlock(bucket);
  return index;
}

/** Finds the packet's flow or makes it; fills hash, flow and direction of the record. */
static inline void flow_track(struct flow_table *table, const uint8_t *packet, struct meta *meta, uint32_t now_ms,
                              struct flow_counts *counts) {
  struct flow_key key = flow_key_of(packet, meta, table->seed);
  meta->hash_low = (uint32_t)key.hash;
  meta->hash_high = (uint32_t)(key.hash >> 32);
  uint32_t number = (uint32_t)(key.hash >> 33) & (FLOW_BUCKETS - 1);
  struct bucket *bucket = &table->buckets[number];
  for (uint32_t way = 0; way < FLOW_WAYS; way++) {
    if (__atomic_load_n(&bucket->tags[way], __ATOMIC_SEQ_CST) != key.hash) continue;
    uint32_t index = number * 8 + way + 1;
    struct flow *flow = &table->flows[index];
    if (flow_is(flow, &key) && __atomic_load_n(&bucket->tags[way], __ATOMIC_SEQ_CST) == key.hash) {
      flow_touch(flow, meta, &key, now_ms);
      meta->flow = index;
      return;
    }
  }
  meta->flow = flow_insert(table, number, meta, &key, now_ms, counts);
}

#endif
