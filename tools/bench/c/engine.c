// The engine's work in C, over a file of packets:
//   engine MIX SEED time PASSES    one line of JSON: nanoseconds per packet or call, of the pass that nobody disturbed
//   engine MIX SEED dump           the meta records, 64 octets each, on stdout
// Time and seed of the flow table come from outside, as in the engine: the records of both are equal octet for octet.
#include <math.h>

#include "burst.h"
#include "checksum.h"
#include "clock.h"
#include "packet-mix.h"

enum { NOW_MS = 1000, CHECKSUM_BYTES = 1400 };

static struct lane lane;

/** Sets the lane's list to the next packets of the mix; how many these are. */
static uint32_t fill_lane(const struct packet_mix *mix, uint32_t from) {
  uint32_t count = mix->count - from < BURST_MAX ? mix->count - from : BURST_MAX;
  for (uint32_t i = 0; i < count; i++) {
    lane.rx_at[i] = (from + i) * mix->stride;
    lane.rx_lengths[i] = mix->lengths[from + i];
  }
  return count;
}

static __attribute__((noinline)) void run_bursts(const struct packet_mix *mix, struct flow_table *table) {
  for (uint32_t from = 0; from < mix->count; from += BURST_MAX) {
    burst(&lane, table, mix->packets, fill_lane(mix, from), NOW_MS);
  }
}

static __attribute__((noinline)) void run_tracks(const struct packet_mix *mix, struct flow_table *table) {
  for (uint32_t from = 0; from < mix->count; from += BURST_MAX) {
    burst_track(&lane, table, mix->packets, fill_lane(mix, from), NOW_MS);
  }
}

static __attribute__((noinline)) void run_parses(const struct packet_mix *mix) {
  for (uint32_t from = 0; from < mix->count; from += BURST_MAX) {
    burst_parse(&lane, mix->packets, fill_lane(mix, from));
  }
}

/**
 * As many sums as there are packets, over the slots of one burst: they lie in the cache, as a packet does that was just
 * read. All slots hold at least CHECKSUM_BYTES octets, whatever their packets' lengths.
 */
static __attribute__((noinline)) uint32_t run_checksums(const struct packet_mix *mix) {
  uint32_t all = 0;
  for (uint32_t i = 0; i < mix->count; i++) {
    all ^= checksum(mix->packets + (i % 8) * mix->stride, CHECKSUM_BYTES);
  }
  return all;
}

static void dump(const struct packet_mix *mix, struct flow_table *table) {
  for (uint32_t from = 0; from < mix->count; from += BURST_MAX) {
    uint32_t count = fill_lane(mix, from);
    burst(&lane, table, mix->packets, count, NOW_MS);
    fwrite(lane.metas, sizeof(struct meta), count, stdout);
  }
}

static void keep_least(double *least, uint64_t nanoseconds, uint32_t count) {
  double each = (double)nanoseconds / count;
  if (each < *least) *least = each;
}

static void time_all(const struct packet_mix *mix, struct flow_table *table, int passes) {
  double parse_ns = INFINITY, track_ns = INFINITY, poll_ns = INFINITY, checksum_ns = INFINITY;
  volatile uint32_t kept;
  // The first pass makes the flows and fills the caches; it is not counted.
  for (int pass = -1; pass < passes; pass++) {
    uint64_t start = now_ns();
    run_parses(mix);
    uint64_t parsed = now_ns();
    run_tracks(mix, table);
    uint64_t tracked = now_ns();
    run_bursts(mix, table);
    uint64_t polled = now_ns();
    kept = run_checksums(mix);
    uint64_t summed = now_ns();
    if (pass < 0) continue;
    keep_least(&parse_ns, parsed - start, mix->count);
    keep_least(&track_ns, tracked - parsed, mix->count);
    keep_least(&poll_ns, polled - tracked, mix->count);
    keep_least(&checksum_ns, summed - polled, mix->count);
  }
  (void)kept;
  printf("{\"parseNs\":%.3f,\"trackNs\":%.3f,\"pollNs\":%.3f,\"checksumNs\":%.3f,\"flows\":%lu}\n", parse_ns, track_ns,
         poll_ns, checksum_ns, (unsigned long)lane.flows.inserted);
}

int main(int count, char **words) {
  if (count < 4) return fprintf(stderr, "engine MIX SEED time PASSES | engine MIX SEED dump\n"), 2;
  struct packet_mix mix = packet_mix_load(words[1]);
  if (mix.count < BURST_MAX) return fprintf(stderr, "packets: expected at least 64\n"), 2;
  if (mix.stride < CHECKSUM_BYTES) return fprintf(stderr, "stride: expected at least 1400\n"), 2;
  struct flow_table table = flow_table_open(strtoull(words[2], NULL, 0));
  if (words[3][0] == 'd') return dump(&mix, &table), 0;
  int passes = count > 4 ? atoi(words[4]) : 20;
  time_all(&mix, &table, passes);
  return 0;
}
