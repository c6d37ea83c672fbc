// Look-ups in the rule table that the engine reads (packages/abi/src/rules.ts draws it):
//   lists TABLE ADDRESSES PASSES NAMES…    one line of JSON: nanoseconds per look-up and how many were found
// TABLE is the engine's whole place of a table, with the filter in it.
// NAMES:     | count u32 | length u16, text | …      ADDRESSES: | count u32 | u32 in network order | …
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "octets.h"

enum { HOSTS_AT = 28, HOSTS_MASK = 32, ADDRESS_SETS_AT = 40, PLACE_BYTES = 16, PROBES_MAX = 32, MATCH_SUFFIX = 2 };
enum { LINE_BYTES = 64, READS = 65536 };
enum { FILTER_BITS = 52, FILTER_AT = 0x1f00000, SEARCH_MAX = 17, SET = 1 };

static uint8_t *read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return perror(path), exit(1), NULL;
  fseek(file, 0, SEEK_END);
  size_t bytes = ftell(file);
  rewind(file);
  uint8_t *octets = aligned_alloc(4096, (bytes + 4095) & ~(size_t)4095);
  if (octets == NULL || fread(octets, 1, bytes, file) != bytes) abort();
  fclose(file);
  return octets;
}

static inline uint16_t word16(const uint8_t *at) {
  uint16_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

/** Four octets at once, letters A to Z turned to a to z. */
static inline uint32_t lower4(uint32_t octets) {
  uint32_t low = octets & 0x7f7f7f7f;
  return octets | ((low + 0x3f3f3f3f) & ~(low + 0x25252525) & ~octets & 0x80808080) >> 2;
}

static inline bool same_name(const uint8_t *text, const uint8_t *name, int32_t bytes) {
  int32_t left = bytes;
  for (; left >= 4; left -= 4) {
    if (word32(text + left - 4) != lower4(word32(name + left - 4))) return false;
  }
  for (int32_t i = 0; i < left; i++) {
    if (text[i] != (lower4(name[i]) & 0xff)) return false;
  }
  return true;
}

static inline bool look_up(const uint8_t *table, uint32_t hash, const uint8_t *name, int32_t bytes, bool is_whole) {
  uint32_t wanted = hash == 0 ? 1 : hash;
  uint32_t bits = word32(table + FILTER_BITS);
  if (bits != 0) {
    uint32_t bit = (wanted * 0x9e3779b1u) >> (32 - bits);
    if (!(table[FILTER_AT + (bit >> 3)] >> (bit & 7) & 1)) return false;
  }
  const uint8_t *places = table + word32(table + HOSTS_AT);
  uint32_t mask = word32(table + HOSTS_MASK);
  for (uint32_t i = 0; i < PROBES_MAX; i++) {
    const uint8_t *place = places + (size_t)((wanted + i) & mask) * PLACE_BYTES;
    uint32_t found = word32(place);
    if (found == 0) return false;
    if (found != wanted || word16(place + 10) != SET || word16(place + 8) != bytes) continue;
    if (!is_whole && word16(place + 12) != MATCH_SUFFIX) continue;
    if (same_name(table + word32(place + 4), name, bytes)) return true;
  }
  return false;
}

static inline int32_t label_start(const uint8_t *name, int32_t end) {
  while (end > 0 && name[end - 1] != '.') end--;
  return end;
}

static inline uint32_t mix_word(uint32_t word, uint32_t multiplier) {
  word *= multiplier;
  return (word ^ word >> 15) * 0x7feb352du;
}

/** Sixteen octets of a label at a time, from its end; each word of four is mixed by itself. */
static inline uint32_t hash_label(uint32_t hash, const uint8_t *label, int32_t bytes) {
  static const uint32_t multipliers[4] = {0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1};
  hash ^= bytes;
  for (int32_t left = bytes; left > 0; left -= 16) {
    uint32_t sum = 0;
    for (int word = 3; word >= 0; word--) {
      int32_t behind = left - 12 + 4 * word;  // octets of the label up to this word's end
      if (behind <= 0) break;
      uint32_t octets = lower4(word32(label + behind - 4));
      if (behind < 4) octets &= ~0u << ((4 - behind) << 3);
      sum += mix_word(octets, multipliers[word]);
    }
    hash = (hash ^ sum) * 0x9e3779b1u;
    hash ^= hash >> 15;
  }
  return hash;
}

/** Whether the name, or a name above it, stands in the set. One walk from the last label to the first. */
static inline bool match_host(const uint8_t *table, const uint8_t *name, int32_t bytes) {
  int32_t length = bytes > 0 && name[bytes - 1] == '.' ? bytes - 1 : bytes;
  uint32_t hash = 0x811c9dc5;
  for (int32_t end = length; end > 0;) {
    int32_t start = label_start(name, end);
    hash = hash_label(hash, name + start, end - start);
    if (look_up(table, hash, name + start, length - start, start == 0)) return true;
    end = start - 1;
  }
  return false;
}

static inline bool match_address(const uint8_t *table, uint32_t address) {
  const uint8_t *set = table + word32(table + ADDRESS_SETS_AT);
  const uint8_t *ranges = table + word32(set);
  int32_t low = 0, high = (int32_t)word32(set + 4) - 1;
  for (int32_t step = 0; step <= SEARCH_MAX && low <= high; step++) {
    int32_t middle = (low + high) >> 1;
    const uint8_t *range = ranges + (size_t)middle * 8;
    if (address < be32(range)) high = middle - 1;
    else if (address > be32(range + 4)) low = middle + 1;
    else return true;
  }
  return false;
}

static __attribute__((noinline)) uint32_t count_hosts(const uint8_t *table, const uint8_t *names, uint32_t count) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < count; i++) {
    int32_t bytes = word16(names);
    found += match_host(table, names + 2, bytes);
    names += 2 + bytes;
  }
  return found;
}

static __attribute__((noinline)) uint32_t count_addresses(const uint8_t *table, const uint8_t *at, uint32_t count) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < count; i++) found += match_address(table, be32(at + 4 * i));
  return found;
}

/** Reads words of the table, the place of each following from the one before: what a look-up waits for in memory. */
static __attribute__((noinline)) uint32_t walk(const uint8_t *table, uint32_t reads) {
  uint32_t at = 1;
  for (uint32_t i = 0; i < reads; i++) {
    size_t line = ((uint64_t)at * (FILTER_AT / LINE_BYTES)) >> 32;
    at = (at + word32(table + line * LINE_BYTES)) * 0x9e3779b1u + i;
  }
  return at;
}

int main(int count, char **words) {
  if (count < 5) return fprintf(stderr, "lists TABLE ADDRESSES PASSES NAMES...\n"), 2;
  const uint8_t *table = read_file(words[1]), *addresses = read_file(words[2]);
  int passes = atoi(words[3]);
  double address_ns = INFINITY;
  uint32_t found = 0;
  for (int pass = 0; pass < passes; pass++) {
    uint64_t start = now_ns();
    found = count_addresses(table, addresses + 4, word32(addresses));
    double each = (double)(now_ns() - start) / word32(addresses);
    if (each < address_ns) address_ns = each;
  }
  printf("{\"addressNs\":%.3f,\"addresses\":%u", address_ns, found);
  double read_ns = INFINITY;
  for (int pass = 0; pass < passes; pass++) {
    uint64_t start = now_ns();
    found = walk(table, READS);
    double each = (double)(now_ns() - start) / READS;
    if (each < read_ns) read_ns = each;
  }
  printf(",\"readNs\":%.3f,\"reads\":%u", read_ns, found);
  for (int list = 4; list < count; list++) {
    const uint8_t *names = read_file(words[list]);
    double host_ns = INFINITY;
    for (int pass = 0; pass < passes; pass++) {
      uint64_t start = now_ns();
      found = count_hosts(table, names + 4, word32(names));
      double each = (double)(now_ns() - start) / word32(names);
      if (each < host_ns) host_ns = each;
    }
    printf(",\"hosts%dNs\":%.3f,\"hosts%d\":%u", list - 4, host_ns, list - 4, found);
  }
  puts("}");
  return 0;
}
