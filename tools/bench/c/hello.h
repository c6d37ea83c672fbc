// A ClientHello in a segment (RFC 8446 section 4.1.2) and its server_name extension (RFC 6066 section 3): the engine's
// walk (wasm/assembly/l7/tls-hello.ts) for a hello in one record.
#ifndef BENCH_HELLO_H
#define BENCH_HELLO_H

#include <stdbool.h>

#include "octets.h"

enum { RECORD_HEADER_BYTES = 5, SESSION_ID = 43, EXTENSIONS_MAX = 64, HOST_MAX_BYTES = 253 };

struct hello {
  const uint8_t *at;
  int32_t bytes;
  int32_t host_offset;
  int32_t host_bytes;
  int32_t sni_offset;
};

static inline bool is_hello(const uint8_t *at, int32_t bytes) {
  if (bytes < 9 || at[0] != 22 || at[1] != 3 || at[5] != 1) return false;
  // All of the handshake message stands in the first record.
  int32_t record = be16(at + 3);
  return record >= 4 && 4 + (at[6] << 16 | be16(at + 7)) <= record;
}

static inline void find_name(struct hello *hello, int32_t from, int32_t end) {
  const uint8_t *at = hello->at;
  int32_t o = from;
  for (int i = 0; i < EXTENSIONS_MAX && o + 4 <= end; i++) {
    int32_t type = be16(at + o), length = be16(at + o + 2);
    o += 4;
    if (type != 0) {
      o += length;
      continue;
    }
    if (length < 5 || o + 5 > end || at[o + 2] != 0) return;
    int32_t name = be16(at + o + 3);
    if (name < 1 || name > HOST_MAX_BYTES || o + 5 + name > end || 5 + name > length) return;
    hello->sni_offset = o;
    hello->host_offset = o + 5;
    hello->host_bytes = name;
    return;
  }
}

/** False: the octets are no hello, or one that is not whole. */
static inline bool read_hello(struct hello *hello, const uint8_t *at, int32_t bytes) {
  *hello = (struct hello){.at = at, .bytes = bytes, .host_offset = -1, .sni_offset = -1};
  if (!is_hello(at, bytes)) return false;
  int32_t end = RECORD_HEADER_BYTES + be16(at + 3);
  if (end > bytes) return false;
  int32_t o = SESSION_ID;
  if (o + 1 > end) return true;
  o += 1 + at[o];
  if (o + 2 > end) return true;
  o += 2 + be16(at + o);
  if (o + 1 > end) return true;
  o += 1 + at[o];
  if (o + 2 > end) return true;
  int32_t extensions = o + 2 + be16(at + o);
  find_name(hello, o + 2, extensions < end ? extensions : end);
  return true;
}

#endif
