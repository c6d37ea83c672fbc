// The shipped engine as C under libFuzzer. An input:
//
//   | what 1 | flags 1 | table 1 | MTU 1 | packets: gap 1, octets 2 (low octet first), virtio header 10, packet … |
//
//   what 0: the packets through the parser    1: merged, taken apart, and cut    others: through poll, one by one
// Each packet lies flush with the end of the memory, so that one octet too far traps. Broken laws abort as traps do.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "engine.h"
#include "layout.h"
#include "tables.h"

enum { PACKETS_MAX = 16, TURNS_MAX = 64, BUCKETS = 4, SEED_LOW = 0x4b5a6978, SEED_HIGH = 0x0f1e2d3c };
enum { AFTER_ALL_MS = 200, IDLE_MS = 120000, INCOMPLETE = 0xffff, GAP_BYTES = 32 };

/** Built with 1, the engine is told of one octet that is not there: a harness that is worth something traps. */
#ifndef PLANTED_BYTES
#define PLANTED_BYTES 0
#endif

struct w2c_env {
  wasm_rt_shared_memory_t memory;
};

struct packet {
  uint32_t gap_ms, bytes;
  const uint8_t *header, *octets;
};

static struct w2c_env env;
static w2c_engine engine;
static uint8_t *memory;

wasm_rt_shared_memory_t *w2c_env_memory(struct w2c_env *of) { return &of->memory; }

_Noreturn void wasm_rt_trap(wasm_rt_trap_t reason) {
  fprintf(stderr, "trap %d\n", reason);
  abort();
}

static void law(bool holds, const char *words) {
  if (holds) return;
  fprintf(stderr, "broken law: %s\n", words);
  abort();
}

static uint32_t word_at(uint32_t at) {
  uint32_t word;
  memcpy(&word, memory + at, sizeof word);
  return word;
}

static uint32_t half_at(uint32_t at) { return memory[at] | memory[at + 1] << 8; }

static void put_word(uint32_t at, uint32_t word) { memcpy(memory + at, &word, sizeof word); }

static void put_half(uint32_t at, uint32_t half) {
  memory[at] = half;
  memory[at + 1] = half >> 8;
}

static void set_up(void) {
  memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  law(memory != MAP_FAILED, "a memory");
  uint64_t pages = MEMORY_BYTES / 65536;
  env.memory = (wasm_rt_shared_memory_t){(void *)memory, pages, pages, MEMORY_BYTES, false};
  wasm2c_engine_instantiate(&engine, &env);
}

/** Flows, held messages, counters and words as in the beginning. */
static void reset(uint32_t flags, uint32_t mtu, uint32_t table) {
  memset(memory + FLOW_TAGS_BASE, 0, BUCKETS * FLOW_BUCKET_BYTES);
  memset(memory + FLOW_ENTRIES_BASE, 0, BUCKETS * (FLOW_WAYS + 1) * FLOW_ENTRY_BYTES);
  memset(memory + LANES_BASE + LANE_COUNTERS, 0, COUNTERS_MAX * 8);
  memset(memory + LANES_BASE + LANE_WORDS, 0, 64);
  memset(memory + LANES_BASE + LANE_METAS, 0, RX_MAX * META_BYTES);
  memset(memory + LANES_BASE + LANE_HOLD, 0, HOLDS_MAX * HOLD_RECORD_BYTES);
  uint32_t rules = 0;
  if (table < TABLES) {
    rules = RULES_BASE;
    memcpy(memory + rules, tables[table], table_bytes[table]);
  }
  put_word(CONTROL_BASE + CONTROL_RULES, rules);
  w2c_engine_open(&engine, 0, flags, mtu, BUCKETS, SEED_LOW, SEED_HIGH);
}

/** Lays a packet down so that it ends at `end`; returns where it starts. */
static uint32_t place(const struct packet *packet, uint32_t end) {
  uint32_t at = end - packet->bytes;
  memcpy(memory + at, packet->octets, packet->bytes);
  memcpy(memory + at - VNET_HEADER_BYTES, packet->header, VNET_HEADER_BYTES);
  return at;
}

static void parse(const struct packet *packet) {
  uint32_t meta = LANES_BASE + LANE_METAS;
  uint32_t at = place(packet, MEMORY_BYTES);
  w2c_engine_checksum(&engine, at, packet->bytes + PLANTED_BYTES);
  if (w2c_engine_parse(&engine, at, packet->bytes, meta) == 0) return;
  uint32_t total = half_at(meta + META_TOTAL_BYTES);
  law(total <= packet->bytes, "a total length within the packet");
  law(half_at(meta + META_PAYLOAD_OFFSET) + half_at(meta + META_PAYLOAD_BYTES) <= total, "a payload within the packet");
}

static void merge_and_cut(const struct packet *packets, uint32_t count, uint32_t allowed) {
  uint32_t end = MEMORY_BYTES;
  for (uint32_t i = count; i-- > 0;) {
    uint32_t at = place(&packets[i], end);
    put_word(LANES_BASE + LANE_TX_AT + 4 * i, at);
    put_half(LANES_BASE + LANE_TX_LENGTHS + 2 * i, packets[i].bytes);
    end = at - VNET_HEADER_BYTES - GAP_BYTES;
  }
  uint32_t groups = w2c_engine_coalesce(&engine, 0, count, allowed, 0, 0x7f12);
  uint32_t pieces = 0;
  for (uint32_t i = 0; i < groups; i++) {
    pieces += word_at(LANES_BASE + LANE_OFFLOAD + OFFLOAD_GROUPS + i * GROUP_BYTES + GROUP_PIECES);
    w2c_engine_loosen(&engine, i);
  }
  law(pieces == count, "each packet in one group");
  for (uint32_t i = 0; i < count; i++) {
    uint32_t at = place(&packets[i], MEMORY_BYTES);
    int32_t cut = w2c_engine_split(&engine, at, packets[i].bytes);
    law(cut >= -1 && cut <= (int32_t)TX_MAX, "as many pieces as there is room for");
  }
}

/** Answers a question: a name, that more is to come, or that there is none. */
static void answer(uint32_t packet, uint8_t choice) {
  static const char name[] = "video.example.org";
  uint32_t words = LANES_BASE + LANE_WORDS;
  uint32_t answers[] = {sizeof name - 1, INCOMPLETE, 0};
  memcpy(memory + LANES_BASE + LANE_NAME, name, sizeof name - 1);
  put_word(words + WORD_ANSWER, answers[choice % 3]);
  put_word(words + WORD_ANSWERED, packet);
}

static void check_books(uint32_t given) {
  uint32_t counters = LANES_BASE + LANE_COUNTERS, sum = 0;
  for (uint32_t i = 0; i < REASONS_MAX; i++) sum += word_at(counters + 8 * (COUNTER_REASONS + i));
  law(word_at(counters + 8 * COUNTER_PACKETS_IN) == given, "each packet counted once");
  law(sum == given, "each packet under one reason");
}

static void poll(const struct packet *packets, uint32_t count, uint8_t choice) {
  uint32_t words = LANES_BASE + LANE_WORDS, now = 1000;
  for (uint32_t i = 0; i < count; i++) {
    now += packets[i].gap_ms;
    put_word(LANES_BASE + LANE_RX_AT, place(&packets[i], MEMORY_BYTES));
    put_half(LANES_BASE + LANE_RX_LENGTHS, packets[i].bytes);
    uint32_t turns = 0;
    while (w2c_engine_poll(&engine, 0, 1, now) == 0) {
      law(++turns < TURNS_MAX, "an end of the turns");
      uint32_t asked = word_at(words + WORD_ASKED);
      law(asked != 0 || word_at(words + WORD_TX_COUNT) > 0, "progress, packets or a question");
      if (asked != 0) answer(asked, choice + i);
    }
    check_books(i + 1);
  }
  w2c_engine_poll(&engine, 0, 0, now + AFTER_ALL_MS);
  law(word_at(words + WORD_HELD) == 0, "nothing held in the end");
  check_books(count);
  w2c_engine_expire(&engine, now + IDLE_MS, IDLE_MS);
}

static uint32_t read_packets(struct packet *packets, const uint8_t *octets, size_t size) {
  uint32_t count = 0;
  for (size_t at = 0; count < PACKETS_MAX && at + 3 + VNET_HEADER_BYTES <= size; count++) {
    uint32_t wanted = octets[at + 1] | octets[at + 2] << 8;
    size_t left = size - at - 3 - VNET_HEADER_BYTES;
    uint32_t bytes = wanted < left ? wanted : left;
    const uint8_t *header = octets + at + 3;
    packets[count] = (struct packet){octets[at], bytes, header, header + VNET_HEADER_BYTES};
    at += 3 + VNET_HEADER_BYTES + bytes;
  }
  return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t size) {
  static const uint32_t mtus[] = {1500, 576, 68, 1280, 9000, 1400, 300, 65535};
  struct packet packets[PACKETS_MAX];
  if (memory == NULL) set_up();
  if (size < 4) return 0;
  uint32_t count = read_packets(packets, octets + 4, size - 4);
  // The bits of the flags mean the same as in the fuzzer inside Bun: plan and track unless they are set.
  uint32_t flags = (octets[1] & 0x13) | (~octets[1] & 0x0c);
  if (octets[0] == 0) {
    reset(0, 1500, TABLES);
    for (uint32_t i = 0; i < count; i++) parse(&packets[i]);
  } else if (octets[0] == 1) {
    reset(LANE_FLAG_RX_VNET | LANE_FLAG_TX_VNET, 1500, TABLES);
    merge_and_cut(packets, count, octets[1] & 7);
  } else {
    reset(flags, mtus[octets[3] & 7], octets[2]);
    poll(packets, count, octets[3]);
  }
  return 0;
}
