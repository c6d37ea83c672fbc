// What the test sees of the double: a record of calls, counts of what is open, errors that shall come.
#include "double.h"
#include <stdarg.h>

enum { RECORD_BYTES = 1 << 16, PLANS_MAX = 16 };
static char text[RECORD_BYTES];
static size_t used;
static char violations[1024];
static int violation_count;
static struct {
  char call[48];
  uint32_t error;
} plans[PLANS_MAX];
int outstanding_tables, outstanding_notices;

/** One line. Call it with the lock held. */
void record(const char *format, ...) {
  va_list list;
  va_start(list, format);
  int bytes = vsnprintf(text + used, RECORD_BYTES - used, format, list);
  va_end(list);
  if (bytes > 0 && used + (size_t)bytes + 1 < RECORD_BYTES) used += (size_t)bytes;
}

/** A use that the real library forbids. */
void violation(const char *what) {
  violation_count++;
  strncat(violations, what, sizeof violations - strlen(violations) - 2);
  strcat(violations, "\n");
}

uint32_t planned(const char *call) {
  uint32_t error = 0;
  for (int i = 0; i < PLANS_MAX; i++) {
    if (strcmp(plans[i].call, call) != 0) continue;
    error = plans[i].error;
    plans[i].call[0] = 0;
    break;
  }
  return error;
}

/** The next call of this name gives this error. */
EXPORT void double_fail(const char *call, uint32_t error) {
  for (int i = 0; i < PLANS_MAX; i++) {
    if (plans[i].call[0] != 0) continue;
    strncpy(plans[i].call, call, sizeof plans[i].call - 1);
    plans[i].error = error;
    return;
  }
}

/** Copies the record and empties it; gives its octets. */
EXPORT uint32_t double_record(char *to, uint32_t room) {
  pthread_mutex_lock(&lock);
  uint32_t bytes = (uint32_t)(used < room ? used : room);
  memcpy(to, text, bytes);
  used = 0;
  pthread_mutex_unlock(&lock);
  return bytes;
}

EXPORT uint32_t double_violations(char *to, uint32_t room) {
  uint32_t bytes = (uint32_t)strlen(violations);
  if (bytes > room) bytes = room;
  memcpy(to, violations, bytes);
  violations[0] = 0;
  violation_count = 0;
  return bytes;
}

EXPORT void double_wire(int on) { wired = on; }

/** Everything that somebody still has: adapters, sessions, packets, tables, registrations, handles. */
EXPORT int double_open(void) {
  int open = outstanding_tables + outstanding_notices + count_handles();
  pthread_mutex_lock(&lock);
  for (int i = 0; i < ADAPTERS_MAX; i++) {
    struct adapter *adapter = &adapters[i];
    if (!adapter->used) continue;
    open += adapter->open + adapter->session + (int)adapter->held + (int)adapter->allocated.count;
  }
  pthread_mutex_unlock(&lock);
  return open;
}
