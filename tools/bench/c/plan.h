// A plan and the passes over it, as in the engine (wasm/assembly/plan, desync): steps in the order of sending.
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "hello.h"

enum { STEPS_MAX = 64, STEP_REAL = 0, STEP_FAKE = 1, FLAGS_AS_IS = 0xffff, FOOLING_TTL = 1 };
enum technique { SPLIT, DISORDER, FAKE, IP_ID };
enum marker { ABSOLUTE, MIDDLE_OF_DOMAIN };
enum { ID_SEQUENTIAL, ID_GROUP };

struct step {
  int32_t from;
  int32_t to;
  uint8_t kind;
  uint8_t decoy;
  uint8_t ttl;
  uint8_t flags;
  uint16_t foolings;
  uint16_t tcp_flags;
  const char *name;
  int32_t name_bytes;
  int32_t overlap;
  int32_t trail;
  uint16_t delay_ms;
  uint8_t belongs;
  uint8_t spare[25];
};
static_assert(sizeof(struct step) == 64, "STEP_BYTES");

struct plan {
  int32_t count;
  uint8_t id_scheme;
  struct step steps[STEPS_MAX];
};

/** One technique of a strategy. */
struct operation {
  enum technique technique;
  uint16_t foolings;
  uint8_t ttl;
  uint8_t repeats;
  uint8_t id_scheme;
  const char *name;
  int32_t name_bytes;
  int32_t point_count;
  struct {
    enum marker marker;
    int32_t offset;
  } points[8];
};

static inline struct step new_step(int32_t from, int32_t to, uint8_t kind) {
  return (struct step){.from = from, .to = to, .kind = kind, .tcp_flags = FLAGS_AS_IS};
}

/** The place behind the second-level label: its last dot. */
static inline int32_t domain_end(const struct hello *hello) {
  const uint8_t *name = hello->at + hello->host_offset;
  for (int32_t i = hello->host_bytes - 1; i > 0; i--) {
    if (name[i] == '.') return hello->host_offset + i;
  }
  return hello->host_offset + hello->host_bytes;
}

static inline int32_t domain_start(const struct hello *hello, int32_t end) {
  for (int32_t i = end - 1; i >= hello->host_offset; i--) {
    if (hello->at[i] == '.') return i + 1;
  }
  return hello->host_offset;
}

static inline int32_t resolve_point(const struct hello *hello, enum marker marker, int32_t offset) {
  int32_t base = offset < 0 ? hello->bytes : 0;
  if (marker == MIDDLE_OF_DOMAIN) {
    if (hello->host_offset < 0) return -1;
    int32_t end = domain_end(hello), start = domain_start(hello, end);
    base = start + ((end - start + 1) >> 1);
  }
  int32_t at = base + offset;
  return at > 0 && at < hello->bytes ? at : -1;
}

static inline bool plan_insert(struct plan *plan, int32_t i) {
  if (plan->count >= STEPS_MAX) return false;
  for (int32_t j = plan->count; j > i; j--) plan->steps[j] = plan->steps[j - 1];
  plan->count++;
  return true;
}

static inline bool plan_cut(struct plan *plan, int32_t offset) {
  int32_t i = 0;
  for (; i < plan->count; i++) {
    const struct step *step = &plan->steps[i];
    if (step->kind == STEP_REAL && step->from < offset && offset < step->to) break;
  }
  if (i == plan->count || !plan_insert(plan, i)) return false;
  plan->steps[i].to = offset;
  plan->steps[i + 1].from = offset;
  plan->steps[i + 1].overlap = 0;
  return true;
}

static inline void plan_reverse(struct plan *plan, int32_t i, int32_t j) {
  for (; i < j; i++, j--) {
    struct step step = plan->steps[i];
    plan->steps[i] = plan->steps[j];
    plan->steps[j] = step;
  }
}

/** Turns the order of the real steps; nothing in this program's strategies belongs to one of them. */
static inline bool plan_disorder(struct plan *plan) {
  int32_t first = 0, last = plan->count - 1, real = 0;
  for (int32_t i = 0; i < plan->count; i++) real += plan->steps[i].kind == STEP_REAL;
  if (real < 2) return false;
  while (first <= last && plan->steps[first].kind != STEP_REAL) first++;
  while (last > first && plan->steps[last].kind != STEP_REAL) last--;
  plan_reverse(plan, first, last);
  return true;
}

static inline bool plan_fake(struct plan *plan, const struct hello *hello, const struct operation *operation) {
  if (hello->host_offset < 0 || operation->foolings == 0) return false;
  int32_t front = 0;
  while (front < plan->count && plan->steps[front].kind != STEP_REAL) front++;
  for (int i = 0; i < operation->repeats && plan_insert(plan, front); i++) {
    struct step *step = &plan->steps[front];
    *step = new_step(0, hello->bytes, STEP_FAKE);
    step->foolings = operation->foolings;
    step->ttl = operation->ttl;
    step->name = operation->name;
    step->name_bytes = operation->name_bytes;
  }
  return true;
}

static inline bool run_pass(struct plan *plan, const struct hello *hello, const struct operation *operation) {
  bool acted = false;
  switch (operation->technique) {
    case SPLIT:
      for (int32_t i = 0; i < operation->point_count; i++) {
        int32_t at = resolve_point(hello, operation->points[i].marker, operation->points[i].offset);
        if (at > 0 && plan_cut(plan, at)) acted = true;
      }
      return acted;
    case DISORDER:
      return plan_disorder(plan);
    case FAKE:
      return plan_fake(plan, hello, operation);
    case IP_ID:
      plan->id_scheme = operation->id_scheme;
      return true;
  }
  return false;
}

/** False: no pass could act. */
static inline bool run_strategy(struct plan *plan, const struct hello *hello, const struct operation *operations,
                                int count) {
  bool acted = false;
  plan->count = 1;
  plan->id_scheme = ID_SEQUENTIAL;
  plan->steps[0] = new_step(0, hello->bytes, STEP_REAL);
  for (int i = 0; i < count; i++) {
    if (run_pass(plan, hello, &operations[i])) acted = true;
  }
  return acted;
}

#endif
