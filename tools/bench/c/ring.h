// io_uring(7) without a library: operations that end inside the call which submits them.
#ifndef BENCH_RING_H
#define BENCH_RING_H

#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { RING_ENTRIES = 64, NOWAIT = 8 };

struct ring {
  int descriptor;
  uint32_t *sq_tail, *cq_head, *cq_tail;
  struct io_uring_sqe *entries;
  struct io_uring_cqe *completions;
  uint32_t cq_mask, tail, submitted;
  int32_t results[RING_ENTRIES];
};

static inline void *ring_map(int descriptor, size_t bytes, uint64_t offset) {
  void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, offset);
  if (at == MAP_FAILED) {
    perror("mapping a ring");
    exit(1);
  }
  return at;
}

/** Rings for the calling thread alone. */
static inline void ring_open(struct ring *ring) {
  struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
  ring->descriptor = syscall(SYS_io_uring_setup, RING_ENTRIES, &params);
  if (ring->descriptor < 0) {
    perror("io_uring_setup");
    exit(1);
  }
  size_t sq_bytes = params.sq_off.array + RING_ENTRIES * sizeof(uint32_t);
  size_t cq_bytes = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
  uint8_t *rings = ring_map(ring->descriptor, sq_bytes > cq_bytes ? sq_bytes : cq_bytes, IORING_OFF_SQ_RING);
  ring->entries = ring_map(ring->descriptor, RING_ENTRIES * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
  ring->sq_tail = (uint32_t *)(rings + params.sq_off.tail);
  ring->cq_head = (uint32_t *)(rings + params.cq_off.head);
  ring->cq_tail = (uint32_t *)(rings + params.cq_off.tail);
  ring->completions = (struct io_uring_cqe *)(rings + params.cq_off.cqes);
  ring->cq_mask = params.cq_entries - 1;
  ring->tail = ring->submitted = 0;
  uint32_t *places = (uint32_t *)(rings + params.sq_off.array);
  for (uint32_t i = 0; i < RING_ENTRIES; i++) {
    places[i] = i;
    ring->entries[i] = (struct io_uring_sqe){.off = -1, .rw_flags = NOWAIT, .user_data = i};
  }
}

static inline void ring_put(struct ring *ring, uint8_t operation, int descriptor, const void *at, uint32_t bytes) {
  struct io_uring_sqe *entry = &ring->entries[ring->tail++ & (RING_ENTRIES - 1)];
  entry->opcode = operation;
  entry->fd = descriptor;
  entry->addr = (uint64_t)(uintptr_t)at;
  entry->len = bytes;
}

/** Submits what was put and waits for its end; results[i] is what became of the i-th. */
static inline void ring_submit(struct ring *ring) {
  uint32_t start = ring->submitted, count = ring->tail - start;
  atomic_store_explicit((_Atomic uint32_t *)ring->sq_tail, ring->tail, memory_order_release);
  for (uint32_t ended = 0; ended < count;) {
    uint32_t waiting = ring->tail - ring->submitted;
    uint32_t least = count - ended;
    int entered = syscall(SYS_io_uring_enter, ring->descriptor, waiting, least, IORING_ENTER_GETEVENTS, NULL, 0);
    if (entered > 0) ring->submitted += entered;
    uint32_t head = *ring->cq_head;
    uint32_t tail = atomic_load_explicit((_Atomic uint32_t *)ring->cq_tail, memory_order_acquire);
    for (; head != tail; head++, ended++) {
      const struct io_uring_cqe *completion = &ring->completions[head & ring->cq_mask];
      ring->results[(completion->user_data - start) & (RING_ENTRIES - 1)] = completion->res;
    }
    atomic_store_explicit((_Atomic uint32_t *)ring->cq_head, head, memory_order_release);
  }
}

#endif
