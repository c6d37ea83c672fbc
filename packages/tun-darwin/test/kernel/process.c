// Who the process is, and what it has forbidden itself: bsd/kern/kern_prot.c, bsd/kern/mach_process.c, sys/resource.h.
// Only root becomes somebody else, and for good.
#include <stdint.h>
#include "kernel.h"

#define PT_DENY_ATTACH 31
#define RLIMIT_CORE 4
#define NGROUPS 16

static uint32_t user, group, only_group;
static int is_untraceable, has_no_cores;

EXPORT int setgroups(int count, const uint32_t *groups) {
  if (user) return fail(B_EPERM);
  if (count < 0 || count > NGROUPS) return fail(B_EINVAL);
  only_group = count == 1 ? groups[0] : 0;
  return 0;
}

EXPORT int setgid(uint32_t to) {
  if (user && to != group) return fail(B_EPERM);
  group = to;
  return 0;
}

EXPORT int setuid(uint32_t to) {
  if (user && to != user) return fail(B_EPERM);
  user = to;
  privileged = user == 0;
  return 0;
}

EXPORT int ptrace(int request, int pid, char *address, int data) {
  if (request != PT_DENY_ATTACH || pid || address || data) return fail(B_EINVAL);
  is_untraceable = 1;
  return 0;
}

EXPORT int setrlimit(int resource, const uint64_t *limit) {
  if (resource != RLIMIT_CORE || limit[0] > limit[1]) return fail(B_EINVAL);
  has_no_cores = limit[1] == 0;
  return 0;
}

// For the test: whether all of that was done.
EXPORT int process_is_confined(uint32_t wanted) {
  return user == wanted && group == wanted && only_group == wanted && is_untraceable && has_no_cores;
}
