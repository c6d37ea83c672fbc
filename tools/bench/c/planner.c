// The engine's work on ClientHellos in C, over a file of packets: parsed, tracked, recognised, planned by a strategy of
// four passes, emitted and remembered.
//   planner MIX SEED NAME time PASSES    one line of JSON: nanoseconds per hello, planned and passed as it is
//   planner MIX SEED NAME dump           the packets that leave, each with its length (u16) before it, on stdout
#include <math.h>

#include "burst.h"
#include "clock.h"
#include "emit.h"
#include "packet-mix.h"

enum { HELLO_BURST = 16, PLACES = 48, WAYS = 4, PLACE_BYTES = 32704, WHOLE_AT = 640, REMEMBER_MS = 8000 };

/** A message that was planned, as the engine remembers it for retransmissions (wasm/assembly/flow/hold.ts). */
struct hold {
  uint32_t state;
  uint32_t flow;
  uint64_t hash;
  uint32_t deadline;
  uint32_t seq;
  int32_t bytes;
  int32_t header_bytes;
};

static struct lane lane;
static struct arena arena;
static struct plan plan;
static uint8_t *holds;
static const char *decoy_name;

static struct hold *take_hold(const struct meta *meta) {
  uint64_t hash = (uint64_t)meta->hash_high << 32 | meta->hash_low;
  uint32_t first = (uint32_t)(hash >> 40) % (PLACES / WAYS) * WAYS;
  struct hold *free_place = NULL, *oldest = NULL;
  for (uint32_t i = first; i < first + WAYS; i++) {
    struct hold *hold = (struct hold *)(holds + (size_t)i * PLACE_BYTES);
    if (hold->state == 0) free_place = hold;
    else if (hold->flow == meta->flow && hold->hash == hash) return hold;
    else if (oldest == NULL || (int32_t)(hold->deadline - oldest->deadline) < 0) oldest = hold;
  }
  return free_place != NULL ? free_place : oldest;
}

static void remember(const uint8_t *packet, const struct meta *meta, uint32_t now_ms) {
  struct hold *hold = take_hold(meta);
  *hold = (struct hold){
      .state = 2,
      .flow = meta->flow,
      .hash = (uint64_t)meta->hash_high << 32 | meta->hash_low,
      .deadline = now_ms + REMEMBER_MS,
      .seq = meta->seq,
      .bytes = meta->payload_bytes,
      .header_bytes = meta->payload_offset,
  };
  // The engine takes the sixteen octets before the packet with it; here there are none, and as many behind it stand in.
  memcpy((uint8_t *)hold + WHOLE_AT, packet, meta->payload_offset + meta->payload_bytes + 16);
}

static uint32_t fill_lane(const struct packet_mix *mix, uint32_t from) {
  uint32_t count = mix->count - from < HELLO_BURST ? mix->count - from : HELLO_BURST;
  for (uint32_t i = 0; i < count; i++) {
    lane.rx_at[i] = (from + i) * mix->stride;
    lane.rx_lengths[i] = mix->lengths[from + i];
  }
  return count;
}

/** What one poll does with a burst of hellos. */
static __attribute__((noinline)) void burst_hellos(const struct packet_mix *mix, struct flow_table *table,
                                                   const struct operation *operations, int operation_count,
                                                   uint32_t count, uint32_t now_ms) {
  arena.used = arena.count = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *packet = mix->packets + lane.rx_at[i];
    struct meta *meta = &lane.metas[i];
    struct hello hello;
    if (!parse(packet, lane.rx_lengths[i], meta)) continue;
    flow_track(table, packet, meta, now_ms, &lane.flows);
    uint32_t first = arena.count;
    bool is_planned = meta->protocol == PROTOCOL_TCP && meta->destination_port == 443 &&
                      read_hello(&hello, packet + meta->payload_offset, meta->payload_bytes) && operation_count > 0 &&
                      run_strategy(&plan, &hello, operations, operation_count) &&
                      emit_plan(&arena, packet, meta, &hello, &plan);
    if (is_planned) {
      remember(packet, meta, now_ms);
    } else {
      arena.at[arena.count] = lane.rx_at[i];
      arena.delays[arena.count] = 0;
      arena.lengths[arena.count++] = lane.rx_lengths[i];
    }
    meta->tx_first = first;
    meta->tx_count = arena.count - first;
    lane.reasons[is_planned ? 32 : 5]++;
  }
}

static void dump(const struct packet_mix *mix, struct flow_table *table, const struct operation *operations,
                 int count) {
  for (uint32_t from = 0, now_ms = 0; from < mix->count; from += HELLO_BURST, now_ms++) {
    burst_hellos(mix, table, operations, count, fill_lane(mix, from), now_ms);
    for (uint32_t i = 0; i < arena.count; i++) {
      fwrite(&arena.lengths[i], 2, 1, stdout);
      fwrite(arena.octets + arena.at[i], 1, arena.lengths[i], stdout);
    }
  }
}

static double time_passes(const struct packet_mix *mix, struct flow_table *table, const struct operation *operations,
                          int count, int passes) {
  static uint32_t now_ms;
  double least = INFINITY;
  for (int pass = 0; pass < passes; pass++) {
    uint64_t start = now_ns();
    for (uint32_t from = 0; from < mix->count; from += HELLO_BURST) {
      burst_hellos(mix, table, operations, count, fill_lane(mix, from), now_ms++);
    }
    double each = (double)(now_ns() - start) / mix->count;
    if (each < least) least = each;
  }
  return least;
}

int main(int count, char **words) {
  if (count < 5) return fprintf(stderr, "planner MIX SEED NAME time PASSES | planner MIX SEED NAME dump\n"), 2;
  struct packet_mix mix = packet_mix_load(words[1]);
  struct flow_table table = flow_table_open(strtoull(words[2], NULL, 0));
  decoy_name = words[3];
  arena.octets = aligned_alloc(4096, ARENA_BYTES);
  holds = zeroed_lines(PLACES * PLACE_BYTES + 4096 - PLACES * PLACE_BYTES % 4096);
  const struct operation operations[] = {
      {.technique = FAKE, .foolings = FOOLING_TTL, .ttl = 3, .repeats = 1, .name = decoy_name,
       .name_bytes = (int32_t)strlen(decoy_name)},
      {.technique = SPLIT, .point_count = 2, .points = {{ABSOLUTE, 1}, {MIDDLE_OF_DOMAIN, 0}}},
      {.technique = DISORDER},
      {.technique = IP_ID, .id_scheme = ID_GROUP},
  };
  if (words[4][0] == 'd') return dump(&mix, &table, operations, 4), 0;
  int passes = count > 5 ? atoi(words[5]) : 20;
  double passed = time_passes(&mix, &table, operations, 0, passes);
  double planned = time_passes(&mix, &table, operations, 4, passes);
  printf("{\"passedNs\":%.3f,\"plannedNs\":%.3f}\n", passed, planned);
  return 0;
}
