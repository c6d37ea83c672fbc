// Descriptors, interfaces, errors, the log, and the switches by which a test makes the kernel refuse.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include "kernel.h"

#define LOG_BYTES (1 << 20)
#define REFUSALS_MAX 16

struct object objects[OBJECTS_MAX];
struct interface interfaces[INTERFACES_MAX];
struct route routes[ROUTES_MAX];
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
int privileged = 1;
int namespace_fd = -1;

static __thread int own_errno;
static char lines[LOG_BYTES];
static size_t line_bytes;
static int opened_ever;
static struct { char call[24]; uint64_t code; int number, count; } refusals[REFUSALS_MAX];

EXPORT int *ERRNO_LOCATION(void) { return &own_errno; }

int fail(int number) {
  own_errno = number;
  return -1;
}

int bsd_errno(int linux_errno) {
  switch (linux_errno) {
    case EAGAIN: return B_EAGAIN;
    case ENOBUFS: return B_ENOBUFS;
    case EMSGSIZE: return B_EMSGSIZE;
    case EAFNOSUPPORT: return B_EAFNOSUPPORT;
    case EADDRNOTAVAIL: return B_EADDRNOTAVAIL;
    case ENETUNREACH: case EHOSTUNREACH: return B_ENETUNREACH;
    case EBADFD: case ENODEV: return B_ENXIO;
    default: return linux_errno < 35 ? linux_errno : B_EINVAL;
  }
}

int give(int fd, enum kind kind) {
  if (fd < 0) return fail(bsd_errno(errno));
  if (fd >= OBJECTS_MAX) return fail(24);
  memset(&objects[fd], 0, sizeof objects[fd]);
  objects[fd].kind = kind;
  objects[fd].far = -1;
  objects[fd].pending = 1;
  objects[fd].privileged = privileged;
  opened_ever++;
  return fd;
}

struct object *object_of(int fd) {
  return fd >= 0 && fd < OBJECTS_MAX && objects[fd].kind != FREE ? &objects[fd] : NULL;
}

struct interface *interface_of(const char *name) {
  for (int i = 0; i < INTERFACES_MAX; i++) {
    if (name[0] && strncmp(interfaces[i].name, name, NAME_BYTES) == 0) return &interfaces[i];
  }
  return NULL;
}

struct interface *new_interface(const char *name) {
  for (int i = 0; i < INTERFACES_MAX; i++) {
    if (interfaces[i].name[0]) continue;
    memset(&interfaces[i], 0, sizeof interfaces[i]);
    snprintf(interfaces[i].name, NAME_BYTES, "%s", name);
    interfaces[i].mtu = 1500;
    return &interfaces[i];
  }
  return NULL;
}

void tell(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (line_bytes + 2048 < LOG_BYTES) {
    line_bytes += (size_t)vsnprintf(lines + line_bytes, 2000, format, arguments);
    lines[line_bytes++] = '\n';
  }
  va_end(arguments);
}

// The error that a test asked for, or 0.
int refusal(const char *call, uint64_t code) {
  for (int i = 0; i < REFUSALS_MAX; i++) {
    if (refusals[i].count == 0 || refusals[i].code != code || strcmp(refusals[i].call, call) != 0) continue;
    refusals[i].count--;
    return refusals[i].number;
  }
  return 0;
}

EXPORT void kernel_refuse(const char *call, uint64_t code, int number, int count) {
  for (int i = 0; i < REFUSALS_MAX; i++) {
    if (refusals[i].count > 0) continue;
    snprintf(refusals[i].call, sizeof refusals[i].call, "%s", call);
    refusals[i].code = code;
    refusals[i].number = number;
    refusals[i].count = count;
    return;
  }
}

EXPORT void kernel_relent(void) { memset(refusals, 0, sizeof refusals); }
EXPORT void kernel_namespace(int fd) { namespace_fd = fd; }
EXPORT void kernel_privilege(int on) { privileged = on; }

// Takes up to `bytes` octets of the log and forgets it.
EXPORT int kernel_log(char *to, int bytes) {
  pthread_mutex_lock(&lock);
  int taken = (int)line_bytes < bytes ? (int)line_bytes : bytes;
  memcpy(to, lines, (size_t)taken);
  line_bytes = 0;
  pthread_mutex_unlock(&lock);
  return taken;
}

// Descriptors that were opened and not closed.
EXPORT int kernel_open_descriptors(void) {
  int count = 0;
  for (int i = 0; i < OBJECTS_MAX; i++) count += objects[i].kind != FREE;
  return count;
}

EXPORT int kernel_opened_ever(void) { return opened_ever; }

EXPORT int kernel_interfaces(void) {
  int count = 0;
  for (int i = 0; i < INTERFACES_MAX; i++) count += interfaces[i].name[0] != 0;
  return count;
}

EXPORT int kernel_routes(void) {
  int count = 0;
  for (int i = 0; i < ROUTES_MAX; i++) count += routes[i].used;
  return count;
}
