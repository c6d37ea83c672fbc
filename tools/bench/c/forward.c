// Two TUN devices joined in user space in every way that ours has, one thread for each direction:
//   forward NAME_A NAME_B plain|offload|merge plain|uring
// "merge": A's packets are plain ones, and those of a flow reach B as one. B's way back carries no super-packets then.
// Each thread sleeps in poll(2), reads a burst, does the engine's work on it, merges and writes.
// Says "ready" when both devices exist. For each line that comes in on stdin, one line of JSON goes out: packets and
// octets from A to B, processor seconds, seconds. Ends with its stdin.
#include <poll.h>
#include <pthread.h>

#include "clock.h"
#include "coalesce.h"
#include "ring.h"
#include "tun.h"

enum { HEADROOM_BYTES = 128, SMALL_SLOT_BYTES = 2048, BIG_SLOT_BYTES = 65536 + 256, FIRST_READS = 2 };

static struct flow_table table;

struct direction {
  int in, out;
  bool in_vnet, out_vnet, uring, merge;
  uint64_t packets, bytes, refused;
};

struct carrier {
  struct direction *way;
  struct lane *lane;
  struct merger *merger;
  uint8_t *memory;
  struct ring ring;
  uint32_t in_header, out_header, slot_bytes, reads;
};

static uint32_t now_ms(void) { return (uint32_t)(now_ns() / 1000000); }

static uint32_t slot_at(const struct carrier *self, uint32_t i) { return i * self->slot_bytes + HEADROOM_BYTES; }

static uint32_t read_plain(struct carrier *self) {
  uint32_t count = 0;
  for (; count < BURST_MAX; count++) {
    uint32_t at = slot_at(self, count);
    uint32_t room = self->slot_bytes - HEADROOM_BYTES + self->in_header;
    ssize_t came = read(self->way->in, self->memory + at - self->in_header, room);
    if (came <= (ssize_t)self->in_header) break;
    self->lane->rx_at[count] = at;
    self->lane->rx_lengths[count] = came - self->in_header;
  }
  return count;
}

static uint32_t read_ring(struct carrier *self) {
  uint32_t room = self->slot_bytes - HEADROOM_BYTES + self->in_header, count = 0;
  for (uint32_t i = 0; i < self->reads; i++) {
    ring_put(&self->ring, IORING_OP_READ, self->way->in, self->memory + slot_at(self, i) - self->in_header, room);
  }
  ring_submit(&self->ring);
  for (uint32_t i = 0; i < self->reads; i++) {
    int32_t came = self->ring.results[i];
    if (came <= (int32_t)self->in_header) continue;
    self->lane->rx_at[count] = slot_at(self, i);
    self->lane->rx_lengths[count++] = came - self->in_header;
  }
  self->reads = count == 0 ? FIRST_READS : 2 * count + 1 > BURST_MAX ? BURST_MAX : 2 * count + 1;
  return count;
}

static void write_plain(struct carrier *self) {
  const struct lane *lane = self->lane;
  for (uint32_t i = 0; i < lane->tx_count; i++) {
    const uint8_t *from = self->memory + lane->tx_at[i] - self->out_header;
    if (write(self->way->out, from, lane->tx_lengths[i] + self->out_header) < 0) self->way->refused++;
  }
}

static void write_ring(struct carrier *self) {
  const struct lane *lane = self->lane;
  for (uint32_t i = 0; i < lane->tx_count; i++) {
    const uint8_t *from = self->memory + lane->tx_at[i] - self->out_header;
    ring_put(&self->ring, IORING_OP_WRITE, self->way->out, from, lane->tx_lengths[i] + self->out_header);
  }
  ring_submit(&self->ring);
  for (uint32_t i = 0; i < lane->tx_count; i++) self->way->refused += self->ring.results[i] < 0;
}

static void write_merged(struct carrier *self) {
  for (uint32_t i = 0; i < self->lane->tx_count; i++) {
    memset(self->memory + self->lane->tx_at[i] - VNET_HEADER_BYTES, 0, VNET_HEADER_BYTES);
  }
  uint32_t groups = coalesce(self->merger, self->lane, self->memory);
  for (uint32_t i = 0; i < groups; i++) {
    const struct group *group = &self->merger->groups[i];
    if (!self->way->uring) {
      if (writev(self->way->out, group->first, group->pieces) < 0) self->way->refused += group->pieces;
    } else if (group->pieces == 1) {
      ring_put(&self->ring, IORING_OP_WRITE, self->way->out, group->first->iov_base, group->first->iov_len);
    } else {
      ring_put(&self->ring, IORING_OP_WRITEV, self->way->out, group->first, group->pieces);
    }
  }
  if (!self->way->uring) return;
  ring_submit(&self->ring);
  for (uint32_t i = 0; i < groups; i++) {
    if (self->ring.results[i] < 0) self->way->refused += self->merger->groups[i].pieces;
  }
}

static void *run(void *argument) {
  struct carrier *self = zeroed_lines((sizeof *self + 4095) & ~(size_t)4095);
  self->way = argument;
  self->lane = zeroed_lines((sizeof *self->lane + 4095) & ~(size_t)4095);
  self->merger = zeroed_lines((sizeof *self->merger + 4095) & ~(size_t)4095);
  self->memory = zeroed_lines((size_t)BURST_MAX * BIG_SLOT_BYTES);
  self->in_header = self->way->in_vnet ? VNET_HEADER_BYTES : 0;
  self->out_header = self->way->out_vnet ? VNET_HEADER_BYTES : 0;
  self->slot_bytes = self->way->in_vnet ? BIG_SLOT_BYTES : SMALL_SLOT_BYTES;
  self->reads = FIRST_READS;
  if (self->way->uring) ring_open(&self->ring);
  struct pollfd waiting = {self->way->in, POLLIN, 0};
  for (;;) {
    uint32_t count = self->way->uring ? read_ring(self) : read_plain(self);
    if (count == 0) {
      if (poll(&waiting, 1, -1) < 0 || (waiting.revents & POLLNVAL)) return NULL;
      continue;
    }
    burst(self->lane, &table, self->memory, count, now_ms());
    if (self->way->merge) write_merged(self);
    else if (self->way->uring) write_ring(self);
    else write_plain(self);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) bytes += self->lane->rx_lengths[i];
    // Only this thread writes; the main thread reads at any time.
    __atomic_store_n(&self->way->packets, self->way->packets + count, __ATOMIC_RELAXED);
    __atomic_store_n(&self->way->bytes, self->way->bytes + bytes, __ATOMIC_RELAXED);
  }
}

int main(int count, char **words) {
  if (count != 5) return fprintf(stderr, "forward NAME_A NAME_B plain|offload|merge plain|uring\n"), 2;
  bool offload = words[3][0] == 'o', merge = words[3][0] == 'm', uring = words[4][0] == 'u';
  int a = tun_open(words[1], offload), b = tun_open(words[2], offload || merge);
  if (merge && ioctl(b, TUNSETOFFLOAD, 0) < 0) return perror("switching off the offload"), 1;
  table = flow_table_open(now_ns());
  struct direction forth = {.in = a, .out = b, .in_vnet = offload, .out_vnet = offload || merge, .uring = uring};
  struct direction back = {.in = b, .out = a, .in_vnet = offload || merge, .out_vnet = offload, .uring = uring};
  forth.merge = merge;
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
