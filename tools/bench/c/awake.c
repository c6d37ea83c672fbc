// Keeps its processor from going idle, behind everything else that wants it:  awake
// A virtual machine's processor that has nothing to do is taken away from it, and takes a hundred microseconds to come
// back: more than what is measured.
#include <sched.h>
#include <stdint.h>

#include "endpoint.h"

int main(void) {
  alarm(LIFETIME_SECONDS);
  if (sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0}) < 0) fail("going behind all others");
  puts("ready");
  fflush(stdout);
  for (volatile uint64_t turns = 0;; turns++) continue;
}
