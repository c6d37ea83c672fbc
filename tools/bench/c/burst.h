// One burst of packets: each is parsed, entered into the flow table, listed to go out and counted. The same stations,
// in the same order and with the same records as the engine's poll, when it plans nothing.
#ifndef BENCH_BURST_H
#define BENCH_BURST_H

#include "flow-table.h"
#include "parse.h"

enum { BURST_MAX = 64, REASONS_MAX = 64 };

struct lane {
  uint32_t rx_at[BURST_MAX];
  uint16_t rx_lengths[BURST_MAX];
  struct meta metas[BURST_MAX];
  uint32_t tx_at[BURST_MAX];
  uint16_t tx_lengths[BURST_MAX];
  uint32_t tx_count;
  uint64_t packets_in;
  uint64_t bytes_in;
  struct flow_counts flows;
  uint64_t reasons[REASONS_MAX];
};

static inline uint8_t reason_of(const struct meta *meta) {
  if (meta->family == 0) return REASON_PASS_MALFORMED;
  return meta->flags & META_FRAGMENT ? REASON_PASS_FRAGMENT : REASON_PASS_ORDINARY;
}

/** Works through the first `count` packets of the lane; their places are offsets from `memory`. */
static inline void burst(struct lane *lane, struct flow_table *table, const uint8_t *memory, uint32_t count,
                         uint32_t now_ms) {
  uint64_t bytes_in = 0;
  lane->tx_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *packet = memory + lane->rx_at[i];
    struct meta *meta = &lane->metas[i];
    parse(packet, lane->rx_lengths[i], meta);
    meta->reason = reason_of(meta);
    if (meta->reason == REASON_PASS_ORDINARY) flow_track(table, packet, meta, now_ms, &lane->flows);
    lane->tx_at[lane->tx_count] = lane->rx_at[i];
    lane->tx_lengths[lane->tx_count] = lane->rx_lengths[i];
    meta->tx_first = lane->tx_count;
    meta->tx_count = 1;
    lane->tx_count++;
    lane->reasons[meta->reason]++;
    bytes_in += lane->rx_lengths[i];
  }
  lane->packets_in += count;
  lane->bytes_in += bytes_in;
}

/** Parses and tracks the first `count` packets of the lane, nothing else; how many have a flow. */
static inline uint32_t burst_track(struct lane *lane, struct flow_table *table, const uint8_t *memory, uint32_t count,
                                   uint32_t now_ms) {
  uint32_t tracked = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *packet = memory + lane->rx_at[i];
    struct meta *meta = &lane->metas[i];
    if (!parse(packet, lane->rx_lengths[i], meta) || (meta->flags & META_FRAGMENT)) continue;
    flow_track(table, packet, meta, now_ms, &lane->flows);
    if (meta->flow != 0) tracked++;
  }
  return tracked;
}

/** Parses the first `count` packets of the lane; how many could be read. */
static inline uint32_t burst_parse(struct lane *lane, const uint8_t *memory, uint32_t count) {
  uint32_t read = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (parse(memory + lane->rx_at[i], lane->rx_lengths[i], &lane->metas[i])) read++;
  }
  return read;
}

#endif
