// Packets of a burst to super-packets: the same conditions and the same steps as wasm/assembly/offload.
#ifndef BENCH_COALESCE_H
#define BENCH_COALESCE_H

#include <stdbool.h>
#include <sys/uio.h>

#include "burst.h"
#include "checksum.h"

enum { VNET_HEADER_BYTES = 10, NEEDS_CSUM = 1, GSO_TCPV4 = 1, GSO_TCPV6 = 4, GSO_UDP_L4 = 5 };
enum { GROUP_PACKETS_MAX = 64, GROUP_PROBES_MAX = 8, PLACES = 2 * BURST_MAX };
enum kind { ALONE, FENCE, CLOSED, UDP, TCP };

struct vnet {
  uint8_t flags, type;
  uint16_t header_bytes, segment_bytes, checksum_start, checksum_offset;
};

struct item {
  uint8_t *at;
  uint32_t seq, seq_end;
  uint32_t payload_bytes, segment_bytes, header_bytes, l4_offset;
  uint32_t count, head, tail;
  enum kind kind;
  uint8_t family, protocol;
  bool is_verified, ends_short, ends_pushed;
};

struct group {
  struct iovec *first;
  uint32_t pieces;
};

struct merger {
  struct item items[BURST_MAX];
  struct group groups[BURST_MAX];
  struct iovec pieces[BURST_MAX];
  uint16_t following[BURST_MAX];
  uint16_t places[PLACES];
};

static inline void put_be16(uint8_t *at, uint16_t value) {
  value = __builtin_bswap16(value);
  memcpy(at, &value, sizeof value);
}

static inline uint32_t word16(const uint8_t *at) {
  uint16_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static inline bool same(const uint8_t *a, const uint8_t *b, size_t bytes) { return memcmp(a, b, bytes) == 0; }

static inline uint32_t fold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16);
}

static inline uint64_t sum_of(const uint8_t *at, uint32_t bytes) { return ~checksum(at, bytes) & 0xffff; }

static inline uint64_t pseudo_sum(const struct item *item, uint32_t l4_bytes) {
  uint64_t words = (item->protocol << 8) + (uint64_t)__builtin_bswap16(l4_bytes);
  return words + (item->family == 4 ? sum_of(item->at + 12, 8) : sum_of(item->at + 8, 32));
}

static inline uint32_t checksum_offset(const struct item *item) { return item->protocol == PROTOCOL_TCP ? 16 : 6; }

static inline bool is_extension(uint8_t next) {
  return next == HOP_BY_HOP || next == ROUTING || next == FRAGMENT || next == AUTHENTICATION || next == DESTINATION ||
         next == MOBILITY || next == HIP || next == SHIM6;
}

/** Family, protocol and kind; returns the octets of the packet. */
static inline uint32_t look_at_network(struct item *item, const uint8_t *p, uint32_t bytes) {
  item->kind = ALONE;
  if (bytes < 20) return 0;
  uint32_t total;
  item->family = p[0] >> 4;
  if (item->family == 4) {
    total = be16(p + 2);
    item->l4_offset = (p[0] & 15) * 4;
    if (item->l4_offset < 20 || item->l4_offset > total || total > bytes) return 0;
    item->protocol = p[9];
    if ((be16(p + 6) & 0x3fff) != 0 || item->l4_offset != 20) item->kind = FENCE;
  } else if (item->family == 6) {
    total = be16(p + 4) + IPV6_HEADER_BYTES;
    if (bytes < IPV6_HEADER_BYTES || total > bytes) return 0;
    item->protocol = p[6];
    item->l4_offset = IPV6_HEADER_BYTES;
    if (is_extension(p[6])) item->kind = FENCE;
  } else {
    return 0;
  }
  bool is_flow = item->protocol == PROTOCOL_TCP || item->protocol == PROTOCOL_UDP;
  if (item->kind == ALONE && is_flow && total - item->l4_offset >= 8) item->kind = CLOSED;
  return total;
}

static inline void look(struct item *item, uint32_t i, uint8_t *p, uint32_t bytes) {
  item->at = p;
  item->head = item->tail = i;
  item->count = 1;
  item->is_verified = item->ends_short = item->ends_pushed = false;
  uint32_t total = look_at_network(item, p, bytes);
  if (item->kind != CLOSED || total != bytes || p[-9] != 0) return;
  const uint8_t *l4 = p + item->l4_offset;
  uint32_t l4_bytes = total - item->l4_offset;
  if (item->protocol == PROTOCOL_TCP) {
    uint32_t header = (l4[12] >> 4) * 4u;
    if (l4_bytes < 20 || header < 20 || header >= l4_bytes || (l4[13] & ~8) != 16) return;
    item->kind = TCP;
    item->header_bytes = item->l4_offset + header;
    item->ends_pushed = (l4[13] & 8) != 0;
    item->seq = be32(l4 + 4);
    item->seq_end = item->seq + l4_bytes - header;
  } else {
    if (be16(l4 + 4) != l4_bytes || word16(l4 + 6) == 0 || l4_bytes == 8) return;
    item->kind = UDP;
    item->header_bytes = item->l4_offset + 8;
  }
  item->payload_bytes = item->segment_bytes = total - item->header_bytes;
}

static inline bool same_flow(const struct item *a, const struct item *b) {
  if (a->family != b->family || a->protocol != b->protocol) return false;
  if (word32(a->at + a->l4_offset) != word32(b->at + b->l4_offset)) return false;
  return a->family == 4 ? word64(a->at + 12) == word64(b->at + 12) : same(a->at + 8, b->at + 8, 32);
}

static inline uint16_t *place_of(struct merger *merger, const struct item *item) {
  uint64_t key = word32(item->at + item->l4_offset);
  if (item->family == 4) {
    key = (key << 29 | key >> 35) ^ word64(item->at + 12);
  } else {
    for (int i = 8; i < 40; i += 8) key = (key << 7 | key >> 57) ^ word64(item->at + i);
  }
  uint32_t slot = key * 0x9e3779b97f4a7c15u >> 40;
  for (int i = 0; i < GROUP_PROBES_MAX; i++) {
    uint16_t *place = &merger->places[(slot + i) & (PLACES - 1)];
    if (*place == 0 || same_flow(&merger->items[*place - 1], item)) return place;
  }
  return NULL;
}

static inline bool verify(struct item *item) {
  if (item->is_verified) return true;
  const uint8_t *p = item->at, *l4 = p + item->l4_offset;
  uint32_t l4_bytes = item->header_bytes + item->payload_bytes - item->l4_offset;
  uint32_t field = word16(l4 + checksum_offset(item));
  bool ok = item->family == 6 || (word16(p + 10) != 0xffff && sum_of(p, 20) == 0xffff);
  struct vnet vnet;
  memcpy(&vnet, p - VNET_HEADER_BYTES, sizeof vnet);
  if (vnet.flags & NEEDS_CSUM) {
    ok = ok && vnet.checksum_start == item->l4_offset && vnet.checksum_offset == checksum_offset(item) &&
         field == fold(pseudo_sum(item, l4_bytes));
  } else {
    ok = ok && !(item->kind == TCP && field == 0xffff);
    ok = ok && fold(sum_of(l4, l4_bytes) + pseudo_sum(item, l4_bytes)) == 0xffff;
  }
  item->is_verified = ok;
  if (!ok) item->kind = CLOSED;
  return ok;
}

static inline bool same_network(const struct item *open, const struct item *added) {
  const uint8_t *p = open->at, *q = added->at;
  if (open->family == 6) return word32(p) == word32(q) && word16(p + 6) == word16(q + 6);
  if (word16(p) != word16(q) || word16(p + 6) != word16(q + 6) || word16(p + 8) != word16(q + 8)) return false;
  return (p[6] & 0x40) != 0 || be16(q + 4) == (uint16_t)(be16(p + 4) + open->count);
}

static inline bool same_tcp(const struct item *open, const struct item *added) {
  const uint8_t *a = open->at + open->l4_offset, *b = added->at + added->l4_offset;
  if (open->header_bytes != added->header_bytes || word32(a + 8) != word32(b + 8)) return false;
  if (a[12] != b[12] || ((a[13] ^ b[13]) & ~8) != 0 || word16(a + 14) != word16(b + 14)) return false;
  return same(a + 18, b + 18, open->header_bytes - open->l4_offset - 18);
}

/** Puts `added` behind `open`, if cutting them again gives back both. */
static inline bool join(struct merger *merger, struct item *open, struct item *added) {
  if (open->kind != added->kind || added->kind < UDP || open->count >= GROUP_PACKETS_MAX) return false;
  if (open->header_bytes + open->payload_bytes + added->payload_bytes > PACKET_MAX_BYTES) return false;
  if (open->ends_short || added->payload_bytes > open->segment_bytes) return false;
  if (added->kind == TCP && (added->seq != open->seq_end || open->ends_pushed || !same_tcp(open, added))) return false;
  if (!same_network(open, added) || !verify(open) || !verify(added)) return false;
  merger->following[open->tail] = added->head;
  open->tail = added->head;
  open->count++;
  open->payload_bytes += added->payload_bytes;
  open->seq_end = added->seq_end;
  open->ends_pushed = added->ends_pushed;
  if (added->payload_bytes < open->segment_bytes) open->ends_short = true;
  return true;
}

static inline void make_super(const struct item *item) {
  uint8_t *p = item->at, *l4 = p + item->l4_offset;
  uint32_t total = item->header_bytes + item->payload_bytes, l4_bytes = total - item->l4_offset;
  if (item->family == 4) {
    put_be16(p + 2, total);
    put_be16(p + 10, 0);
    uint16_t sum = checksum(p, 20);
    memcpy(p + 10, &sum, sizeof sum);
  } else {
    put_be16(p + 4, total - IPV6_HEADER_BYTES);
  }
  if (item->kind == UDP) put_be16(l4 + 4, l4_bytes);
  else if (item->ends_pushed) l4[13] |= 8;
  uint16_t sum = fold(pseudo_sum(item, l4_bytes));
  memcpy(l4 + checksum_offset(item), &sum, sizeof sum);
  uint8_t type = item->kind == UDP ? GSO_UDP_L4 : item->family == 4 ? GSO_TCPV4 : GSO_TCPV6;
  struct vnet vnet = {NEEDS_CSUM, type, item->header_bytes, item->segment_bytes, item->l4_offset, 0};
  vnet.checksum_offset = checksum_offset(item);
  memcpy(p - VNET_HEADER_BYTES, &vnet, sizeof vnet);
}

/** Merges the lane's tx list; how many groups there are. */
static inline uint32_t coalesce(struct merger *merger, const struct lane *lane, uint8_t *memory) {
  memset(merger->places, 0, sizeof merger->places);
  uint32_t items = 0;
  for (uint32_t i = 0; i < lane->tx_count; i++) {
    struct item *item = &merger->items[items];
    look(item, i, memory + lane->tx_at[i], lane->tx_lengths[i]);
    if (item->kind == FENCE) memset(merger->places, 0, sizeof merger->places);
    uint16_t *place = item->kind >= CLOSED ? place_of(merger, item) : NULL;
    if (place != NULL) {
      if (*place != 0 && join(merger, &merger->items[*place - 1], item)) continue;
      *place = items + 1;
    }
    items++;
  }
  struct iovec *piece = merger->pieces;
  for (uint32_t i = 0; i < items; i++) {
    const struct item *item = &merger->items[i];
    uint32_t packet = item->head;
    merger->groups[i] = (struct group){piece, item->count};
    *piece++ = (struct iovec){item->at - VNET_HEADER_BYTES, lane->tx_lengths[packet] + VNET_HEADER_BYTES};
    for (uint32_t left = item->count - 1; left > 0; left--) {
      packet = merger->following[packet];
      uint8_t *from = memory + lane->tx_at[packet] + item->header_bytes;
      *piece++ = (struct iovec){from, lane->tx_lengths[packet] - item->header_bytes};
    }
    if (item->count > 1) make_super(item);
  }
  return items;
}

#endif
