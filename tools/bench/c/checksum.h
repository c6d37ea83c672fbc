// The Internet checksum (RFC 1071), written so that gcc -O3 makes vectors of it.
#ifndef BENCH_CHECKSUM_H
#define BENCH_CHECKSUM_H

#include "octets.h"

/** The checksum of the octets, ready to be stored. At most 128 KiB, or the sum overflows. */
static inline uint32_t checksum(const uint8_t *at, uint32_t bytes) {
  uint32_t sum = 0;
  uint32_t words = bytes / 2;
  for (uint32_t i = 0; i < words; i++) {
    uint16_t word;
    memcpy(&word, at + 2 * i, sizeof word);
    sum += word;
  }
  if (bytes & 1) sum += at[bytes - 1];
  sum = (sum & 0xffff) + (sum >> 16);
  return ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
}

#endif
