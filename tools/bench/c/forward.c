// Two TUN devices joined in user space, one thread for each direction:
//   forward NAME_A NAME_B plain|offload BURST
// Each thread sleeps in poll(2), reads a burst, does the engine's work on it and writes what goes out. BURST 1 is the
// simplest loop there is: read, work, write.
// Says "ready" when both devices exist. For each line that comes in on stdin, one line of JSON goes out: packets and
// octets from A to B, processor seconds, seconds. Ends with its stdin.
#include <poll.h>
#include <pthread.h>

#include "burst.h"
#include "clock.h"
#include "tun.h"

enum { HEADROOM_BYTES = 128, VNET_BYTES = 10, SMALL_SLOT_BYTES = 2048, BIG_SLOT_BYTES = 65536 + 256 };

static struct flow_table table;

struct direction {
  int in;
  int out;
  uint32_t burst;
  bool offload;
  uint64_t packets;
  uint64_t bytes;
  uint64_t refused;
};

static uint32_t now_ms(void) { return (uint32_t)(now_ns() / 1000000); }

/** Reads what waits, at most a burst; how many packets came. */
static uint32_t read_burst(const struct direction *way, struct lane *lane, uint8_t *memory, uint32_t slot_bytes) {
  uint32_t header = way->offload ? VNET_BYTES : 0;
  uint32_t count = 0;
  for (; count < way->burst; count++) {
    uint32_t at = count * slot_bytes + HEADROOM_BYTES;
    ssize_t came = read(way->in, memory + at - header, slot_bytes - HEADROOM_BYTES + header);
    if (came <= (ssize_t)header) break;
    lane->rx_at[count] = at;
    lane->rx_lengths[count] = came - header;
  }
  return count;
}

static void write_burst(struct direction *way, const struct lane *lane, const uint8_t *memory) {
  uint32_t header = way->offload ? VNET_BYTES : 0;
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < lane->tx_count; i++) {
    if (write(way->out, memory + lane->tx_at[i] - header, lane->tx_lengths[i] + header) < 0) way->refused++;
    bytes += lane->tx_lengths[i];
  }
  // Only this thread writes; the main thread reads at any time.
  __atomic_store_n(&way->packets, way->packets + lane->tx_count, __ATOMIC_RELAXED);
  __atomic_store_n(&way->bytes, way->bytes + bytes, __ATOMIC_RELAXED);
}

static void *run(void *argument) {
  struct direction *way = argument;
  struct lane *lane = zeroed_lines((sizeof *lane + 4095) & ~(size_t)4095);
  uint32_t slot_bytes = way->offload ? BIG_SLOT_BYTES : SMALL_SLOT_BYTES;
  uint8_t *memory = zeroed_lines((size_t)BURST_MAX * BIG_SLOT_BYTES);
  struct pollfd waiting = {way->in, POLLIN, 0};
  for (;;) {
    uint32_t count = read_burst(way, lane, memory, slot_bytes);
    if (count == 0) {
      if (poll(&waiting, 1, -1) < 0 || (waiting.revents & POLLNVAL)) return NULL;
      continue;
    }
    burst(lane, &table, memory, count, now_ms());
    write_burst(way, lane, memory);
  }
}

int main(int count, char **words) {
  if (count != 5) return fprintf(stderr, "forward NAME_A NAME_B plain|offload BURST\n"), 2;
  bool offload = words[3][0] == 'o';
  uint32_t burst = atoi(words[4]);
  if (burst < 1 || burst > BURST_MAX) return fprintf(stderr, "burst out of range\n"), 2;
  int a = tun_open(words[1], offload), b = tun_open(words[2], offload);
  table = flow_table_open(now_ns());
  struct direction forth = {.in = a, .out = b, .burst = burst, .offload = offload};
  struct direction back = {.in = b, .out = a, .burst = burst, .offload = offload};
  pthread_t threads[2];
  pthread_create(&threads[0], NULL, run, &forth);
  pthread_create(&threads[1], NULL, run, &back);
  puts("ready");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    printf("{\"packets\":%lu,\"bytes\":%lu,\"refused\":%lu,\"cpuSeconds\":%.6f,\"seconds\":%.6f}\n",
           (unsigned long)__atomic_load_n(&forth.packets, __ATOMIC_RELAXED),
           (unsigned long)__atomic_load_n(&forth.bytes, __ATOMIC_RELAXED), (unsigned long)forth.refused, cpu_seconds(),
           now_seconds());
    fflush(stdout);
  }
  return 0;
}
