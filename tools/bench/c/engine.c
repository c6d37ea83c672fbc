// The engine's work in C, over a file of packets:
//   engine MIX SEED time PASSES    one line of JSON: nanoseconds per packet or call, of the pass that nobody disturbed
//   engine MIX SEED dump           the meta records, 64 octets each, on stdout
//   engine MIX SEED flood PASSES THREADS
//                                  one line of JSON: flows made in a second, by all threads together over one table
// Time and seed of the flow table come from outside, as in the engine: the records of both are equal octet for octet.
#include <math.h>
#include <pthread.h>

#include "burst.h"
#include "checksum.h"
#include "clock.h"
#include "packet-mix.h"

enum { NOW_MS = 1000, CHECKSUM_BYTES = 1400, THREADS_MAX = 4 };

static struct lane lane;

/** Sets a lane's list to the packets of the mix from `from` on, before `to`; how many these are. */
static uint32_t fill(struct lane *into, const struct packet_mix *mix, uint32_t from, uint32_t to) {
  uint32_t count = to - from < BURST_MAX ? to - from : BURST_MAX;
  for (uint32_t i = 0; i < count; i++) {
    into->rx_at[i] = (from + i) * mix->stride;
    into->rx_lengths[i] = mix->lengths[from + i];
  }
  return count;
}

static uint32_t fill_lane(const struct packet_mix *mix, uint32_t from) { return fill(&lane, mix, from, mix->count); }

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

/** One thread of a flood: its part of the mix, over and over. */
struct flood_part {
  struct lane lane;
  const struct packet_mix *mix;
  struct flow_table *table;
  pthread_barrier_t *gate;
  uint32_t from, to;
  int passes;
};

static uint32_t flood_pass(struct flood_part *part, uint32_t now_ms) {
  for (uint32_t from = part->from; from < part->to; from += BURST_MAX) {
    // The clock goes on with each burst, so that the oldest flow is known.
    burst(&part->lane, part->table, part->mix->packets, fill(&part->lane, part->mix, from, part->to), now_ms++);
  }
  return now_ms;
}

static void *run_flood(void *argument) {
  struct flood_part *part = argument;
  // Not counted; from here on the table is full.
  uint32_t now_ms = flood_pass(part, NOW_MS);
  for (int pass = 0; pass < part->passes; pass++) {
    pthread_barrier_wait(part->gate);
    now_ms = flood_pass(part, now_ms);
    pthread_barrier_wait(part->gate);
  }
  return NULL;
}

static uint64_t flood_inserted(const struct flood_part *parts, uint32_t threads) {
  uint64_t inserted = 0;
  for (uint32_t i = 0; i < threads; i++) inserted += parts[i].lane.flows.inserted;
  return inserted;
}

/** The rate of the pass that nobody disturbed. */
static void time_flood(const struct packet_mix *mix, struct flow_table *table, int passes, uint32_t threads) {
  static struct flood_part parts[THREADS_MAX];
  pthread_t handles[THREADS_MAX];
  pthread_barrier_t gate;
  pthread_barrier_init(&gate, NULL, threads + 1);
  for (uint32_t i = 0; i < threads; i++) {
    uint32_t share = mix->count / threads;
    parts[i] = (struct flood_part){.mix = mix, .table = table, .gate = &gate, .passes = passes};
    parts[i].from = i * share;
    parts[i].to = (i + 1) * share;
    if (pthread_create(&handles[i], NULL, run_flood, &parts[i]) != 0) abort();
  }
  double best = 0;
  for (int pass = 0; pass < passes; pass++) {
    pthread_barrier_wait(&gate);
    uint64_t begun = now_ns(), before = flood_inserted(parts, threads);
    pthread_barrier_wait(&gate);
    double seconds = (double)(now_ns() - begun) / 1e9;
    double rate = (double)(flood_inserted(parts, threads) - before) / seconds;
    if (rate > best) best = rate;
  }
  for (uint32_t i = 0; i < threads; i++) pthread_join(handles[i], NULL);
  printf("{\"flowsPerSecond\":%.0f}\n", best);
}

int main(int count, char **words) {
  if (count < 4) return fprintf(stderr, "engine MIX SEED time PASSES | dump | flood PASSES THREADS\n"), 2;
  struct packet_mix mix = packet_mix_load(words[1]);
  if (mix.count < BURST_MAX) return fprintf(stderr, "packets: expected at least 64\n"), 2;
  struct flow_table table = flow_table_open(strtoull(words[2], NULL, 0));
  if (words[3][0] == 'd') return dump(&mix, &table), 0;
  int passes = count > 4 ? atoi(words[4]) : 20;
  int threads = count > 5 ? atoi(words[5]) : 1;
  if (threads < 1 || threads > THREADS_MAX) return fprintf(stderr, "threads: expected 1 to 4\n"), 2;
  if (words[3][0] == 'f') return time_flood(&mix, &table, passes, threads), 0;
  if (mix.stride < CHECKSUM_BYTES) return fprintf(stderr, "stride: expected at least 1400\n"), 2;
  time_all(&mix, &table, passes);
  return 0;
}
