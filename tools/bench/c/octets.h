// Numbers read from octets that need not be aligned.
#ifndef BENCH_OCTETS_H
#define BENCH_OCTETS_H

#include <stdint.h>
#include <string.h>

static inline uint16_t be16(const uint8_t *at) {
  uint16_t value;
  memcpy(&value, at, sizeof value);
  return __builtin_bswap16(value);
}

static inline uint32_t be32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return __builtin_bswap32(value);
}

/** In the machine's own order: for keys, where only equality and a fixed order matter. */
static inline uint32_t word32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static inline uint64_t word64(const uint8_t *at) {
  uint64_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

#endif
