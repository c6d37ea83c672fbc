// The file of packets that the harness writes (tools/bench/packet-mix.ts):
//   | count u32 | stride u32 | lengths u16 × count | packets, one every stride octets |
#ifndef BENCH_PACKET_MIX_H
#define BENCH_PACKET_MIX_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct packet_mix {
  uint32_t count;
  uint32_t stride;
  uint16_t *lengths;
  uint8_t *packets;
};

static inline void read_all(FILE *file, void *to, size_t bytes) {
  if (fread(to, 1, bytes, file) != bytes) {
    fprintf(stderr, "packet mix: expected %zu more octets\n", bytes);
    exit(1);
  }
}

static inline struct packet_mix packet_mix_load(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  struct packet_mix mix;
  read_all(file, &mix.count, sizeof mix.count);
  read_all(file, &mix.stride, sizeof mix.stride);
  mix.lengths = malloc(mix.count * sizeof *mix.lengths);
  mix.packets = aligned_alloc(4096, ((size_t)mix.count * mix.stride + 4095) & ~(size_t)4095);
  if (mix.lengths == NULL || mix.packets == NULL) abort();
  read_all(file, mix.lengths, mix.count * sizeof *mix.lengths);
  read_all(file, mix.packets, (size_t)mix.count * mix.stride);
  fclose(file);
  return mix;
}

#endif
