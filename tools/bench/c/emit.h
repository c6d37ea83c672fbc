// Executes a plan over an IPv4 segment, as the engine does for most steps (wasm/assembly/emit/plain.ts): one packet
// each, its checksums from one sum of what all packets have in common.
#ifndef BENCH_EMIT_H
#define BENCH_EMIT_H

#include "meta.h"
#include "plan.h"

enum { TX_MAX = 2048, HEADROOM_BYTES = 128, ARENA_BYTES = 0x600000, SCRATCH_BYTES = 65536, FILL_LABEL = 32 };
enum { FLAG_FIN = 1, FLAG_SYN = 2, FLAG_PSH = 8, FLAG_CWR = 128 };

struct arena {
  uint8_t *octets;
  uint32_t used;
  uint32_t count;
  uint32_t at[TX_MAX];
  uint16_t lengths[TX_MAX];
  uint16_t delays[TX_MAX];
  uint64_t pieces;
  uint64_t fakes;
  uint8_t scratch[SCRATCH_BYTES];
};

/** Sums of what the packets made of one have in common. */
struct common {
  uint32_t network;
  uint64_t transport;
  uint32_t made_real;
  uint32_t made;
};

static inline uint32_t swap16(uint32_t value) { return __builtin_bswap16(value); }

static inline uint32_t fold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16);
}

static inline uint32_t word16(const uint8_t *at) {
  uint16_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static inline void put16(uint8_t *at, uint16_t value) { memcpy(at, &value, sizeof value); }
static inline void put32(uint8_t *at, uint32_t value) { memcpy(at, &value, sizeof value); }

/** Copies the octets and sums them on the way. */
static inline uint64_t copy_and_sum(uint8_t *restrict to, const uint8_t *restrict from, uint32_t bytes) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < bytes / 2; i++) {
    uint16_t word;
    memcpy(&word, from + 2 * i, sizeof word);
    memcpy(to + 2 * i, &word, sizeof word);
    sum += word;
  }
  if (bytes & 1) {
    to[bytes - 1] = from[bytes - 1];
    sum += from[bytes - 1];
  }
  return sum;
}

static inline struct common common_of(const uint8_t *packet, const struct meta *meta) {
  const uint8_t *segment = packet + meta->l4_offset;
  uint64_t network = word16(packet) + word16(packet + 6);
  network += (uint64_t)word32(packet + 12) + word32(packet + 16);
  for (uint32_t o = 20; o < meta->l4_offset; o += 4) network += word32(packet + o);
  uint64_t transport = (uint64_t)word32(packet + 12) + word32(packet + 16) + (PROTOCOL_TCP << 8);
  transport += (uint64_t)word32(segment) + word16(segment + 18);
  uint32_t header_bytes = meta->payload_offset - meta->l4_offset;
  for (uint32_t o = 20; o < header_bytes; o += 4) transport += word32(segment + o);
  return (struct common){.network = fold(network), .transport = transport};
}

static inline void set_network(uint8_t *packet, uint32_t bytes, uint32_t id, uint32_t ttl, uint32_t rest) {
  uint32_t length = swap16(bytes), number = swap16(id);
  put16(packet + 2, length);
  put16(packet + 4, number);
  packet[8] = ttl;
  uint32_t sum = rest + length + number + (ttl | packet[9] << 8);
  sum = (sum & 0xffff) + (sum >> 16);
  put16(packet + 10, ~(sum + (sum >> 16)));
}

static inline void set_transport(uint8_t *segment, uint32_t seq, uint32_t ack, uint32_t flags, uint32_t window,
                                 uint32_t bytes, uint64_t rest) {
  uint32_t seq_word = __builtin_bswap32(seq), ack_word = __builtin_bswap32(ack);
  uint32_t flags_word = segment[12] | flags << 8;
  put32(segment + 4, seq_word);
  put32(segment + 8, ack_word);
  put16(segment + 12, flags_word);
  put16(segment + 14, swap16(window));
  put16(segment + 16, ~fold(rest + seq_word + ack_word + flags_word + swap16(window) + swap16(bytes)));
}

static inline uint32_t flags_for(const struct meta *meta, const struct step *step, int32_t total) {
  if (step->tcp_flags != FLAGS_AS_IS) return step->tcp_flags;
  uint32_t flags = meta->tcp_flags;
  if (step->to < total && !(flags & FLAG_SYN)) flags &= ~(FLAG_FIN | FLAG_PSH);
  if (step->kind != STEP_REAL) flags &= ~FLAG_FIN;
  return step->from != 0 ? flags & ~FLAG_CWR : flags;
}

/** The message with another name of the same length in it. */
static inline const uint8_t *make_decoy(struct arena *arena, const struct hello *hello, const struct step *step) {
  memcpy(arena->scratch, hello->at, hello->bytes);
  uint8_t *host = arena->scratch + hello->host_offset;
  int32_t tail = hello->host_bytes < step->name_bytes ? hello->host_bytes : step->name_bytes;
  int32_t fill = hello->host_bytes - tail;
  memcpy(host + fill, step->name + step->name_bytes - tail, tail);
  for (int32_t i = 0; i < fill; i++) {
    bool is_end = i == fill - 1 && tail > 0 && i > 0;
    bool is_label_end = i % FILL_LABEL == FILL_LABEL - 1 && i < fill - 2;
    host[i] = is_end || is_label_end ? '.' : 'a';
  }
  if (fill == 0 && host[0] == '.') host[0] = 'a';
  return arena->scratch;
}

static inline bool emit_step(struct arena *arena, const uint8_t *packet, const struct meta *meta,
                             const struct plan *plan, const struct step *step, const uint8_t *source,
                             struct common *common, int32_t total, uint32_t delay_ms) {
  uint32_t headers = meta->payload_offset;
  uint32_t size = step->to - step->from;
  uint32_t bytes = headers + size;
  uint32_t need = (HEADROOM_BYTES + bytes + 63) & ~63u;
  if (arena->used + need > ARENA_BYTES || arena->count >= TX_MAX) return false;
  uint32_t at = arena->used + HEADROOM_BYTES;
  uint8_t *made = arena->octets + at;
  arena->used += need;
  uint64_t sum = common->transport + copy_and_sum(made + headers, source + step->from, size);
  memcpy(made, packet, headers);
  uint32_t id = be16(packet + 4) + (plan->id_scheme == ID_GROUP ? common->made_real : common->made);
  uint32_t ttl = step->foolings & FOOLING_TTL || (step->kind == STEP_REAL && step->ttl > 0) ? step->ttl : packet[8];
  set_network(made, bytes, id, ttl, common->network);
  uint32_t window = be16(packet + meta->l4_offset + 14);
  set_transport(made + meta->l4_offset, meta->seq + step->from, meta->ack, flags_for(meta, step, total), window,
                bytes - meta->l4_offset, sum);
  common->made++;
  if (step->kind == STEP_REAL) common->made_real++;
  arena->at[arena->count] = at;
  arena->lengths[arena->count] = bytes;
  arena->delays[arena->count++] = delay_ms;
  return true;
}

/** False: no room. */
static inline bool emit_plan(struct arena *arena, const uint8_t *packet, const struct meta *meta,
                             const struct hello *hello, const struct plan *plan) {
  struct common common = common_of(packet, meta);
  uint32_t delay_ms = 0;
  for (int32_t i = 0; i < plan->count; i++) {
    const struct step *step = &plan->steps[i];
    delay_ms += step->delay_ms;
    const uint8_t *source = hello->at;
    if (step->kind == STEP_REAL) arena->pieces++;
    else {
      arena->fakes++;
      source = make_decoy(arena, hello, step);
    }
    if (!emit_step(arena, packet, meta, plan, step, source, &common, hello->bytes, delay_ms)) return false;
  }
  return true;
}

#endif
