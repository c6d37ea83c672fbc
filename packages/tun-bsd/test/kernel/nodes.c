// tun and tap nodes of the BSDs. WAY_ macros say how this system makes them: 0 by one node that clones, 1 by a node for
// each unit, 2 by making the interface first. Refusals: if_tuntap.c (FreeBSD), if_tun.c (OpenBSD, NetBSD, DragonFly).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kernel.h"

#define UNITS_MAX 8
#define DOWN_POINTOPOINT_MULTICAST 0x8010
#define DOWN_BROADCAST_MULTICAST 0x8802
#define UP 0x1
#define POINTOPOINT 0x10
#define BROADCAST 0x2
#define MULTICAST 0x8000

static int is_open(const char *name) {
  for (int i = 0; i < OBJECTS_MAX; i++) {
    if (objects[i].kind == NODE && strncmp(objects[i].name, name, NAME_BYTES) == 0) return 1;
  }
  return 0;
}

// Opens a descriptor with an interface of Linux behind it, which stays behind when the system's own would.
static int attach(const char *name, int is_tap) {
  int fd = give((int)syscall(SYS_openat, AT_FDCWD, "/dev/net/tun", O_RDWR | O_CLOEXEC), NODE);
  if (fd < 0) return fd;
  int number = linux_tun(fd, name, is_tap);
  if (number) {
    objects[fd].kind = FREE;
    syscall(SYS_close, fd);
    return fail(bsd_errno(number));
  }
  syscall(SYS_ioctl, fd, TUNSETPERSIST, (is_tap ? TAP_STAYS : TUN_STAYS));
  struct interface *interface = interface_of(name);
  if (!interface) {
    interface = new_interface(name);
    interface->flags = is_tap ? DOWN_BROADCAST_MULTICAST : DOWN_POINTOPOINT_MULTICAST;
    interface->nd_flags = 0x21;
    interface->is_tap = is_tap;
  }
  interface->index = linux_index(name);
  snprintf(objects[fd].name, NAME_BYTES, "%s", name);
  objects[fd].is_tap = is_tap;
  objects[fd].behind_family = !is_tap && ALWAYS_FAMILY;
  return fd;
}

int own_open(const char *path, int flags, int *handled) {
  char family[4] = "";
  int unit = -1, way;
  char name[NAME_BYTES];
  if (strncmp(path, "/dev/", 5) != 0) return -1;
  int fields = sscanf(path + 5, "%3[a-z]%d", family, &unit);
  int is_tap = strcmp(family, "tap") == 0;
  if (fields < 1 || (!is_tap && strcmp(family, "tun") != 0)) return -1;
  way = is_tap ? WAY_TAP : WAY_TUN;
  if (unit >= UNITS_MAX) return -1;
  if (fields == 1) {
    if (way != 0) return -1;
    do snprintf(name, NAME_BYTES, "%s%d", family, ++unit);
    while (interface_of(name));
  } else {
    snprintf(name, NAME_BYTES, "%s%d", family, unit);
    // Of a system that makes interfaces first, there is no node before that.
    if (way == 2 && !interface_of(name)) return -1;
  }
  *handled = 1;
  if (!privileged) return fail(13);
  if (is_open(name)) return fail(B_EBUSY);
  int fd = attach(name, is_tap);
  if (fd >= 0 && (flags & N_O_NONBLOCK)) syscall(SYS_fcntl, fd, F_SETFL, O_NONBLOCK);
  return fd;
}

static int create(uint8_t *argument) {
  char *name = (char *)argument;
  if (!privileged) return B_EPERM;
  if (strncmp(name, "tun", 3) != 0 && strncmp(name, "tap", 3) != 0) return B_EINVAL;
  for (int unit = 0; name[3] == 0 || unit > 0; unit++) {
    snprintf(name + 3, NAME_BYTES - 3, "%d", unit);
    if (!interface_of(name)) break;
  }
  if (interface_of(name)) return B_EEXIST;
  struct interface *interface = new_interface(name);
  interface->is_tap = name[1] == 'a';
  interface->flags = interface->is_tap ? DOWN_BROADCAST_MULTICAST : DOWN_POINTOPOINT_MULTICAST;
  return 0;
}

// if_tuntap.c waits for the last descriptor; a driver that has it open still would wait for itself.
static int destroy(uint8_t *argument) {
  struct interface *interface = interface_of((char *)argument);
  if (!privileged) return B_EPERM;
  if (!interface) return B_ENXIO;
  if (is_open(interface->name)) return B_EBUSY;
  if (interface->index) linux_delete(interface->name);
  forget(interface);
  return 0;
}

static int set_mode(struct interface *interface, int mode) {
  if (!interface || interface->is_tap) return B_ENOTTY;
  if (interface->flags & UP) return B_EBUSY;
  int kind = mode & ~MULTICAST;
  if (kind != POINTOPOINT && kind != BROADCAST) return B_EINVAL;
  interface->flags = (interface->flags & ~(POINTOPOINT | BROADCAST | MULTICAST)) | mode;
  return 0;
}

static int node_ioctl(struct object *object, uint64_t request, uint8_t *argument) {
  struct interface *interface = interface_of(object->name);
  switch (request) {
    case N_TUNSIFMODE: return set_mode(interface, (int)u32(argument));
#ifdef N_TUNSIFHEAD
    case N_TUNSIFHEAD:
      if (object->is_tap) return B_ENOTTY;
      object->behind_family = u32(argument) != 0;
      return 0;
#endif
#ifdef N_TUNGIFNAME
    case N_TUNGIFNAME: memcpy(argument, object->name, NAME_BYTES); return 0;
#elif defined(N_TAPGIFNAME)
    case N_TAPGIFNAME:
      if (!object->is_tap) return B_ENOTTY;
      memcpy(argument, object->name, NAME_BYTES);
      return 0;
#endif
#ifdef N_TUNSTRANSIENT
    case N_TUNSTRANSIENT: object->pending = -(int)u32(argument); return 0;
#endif
    default: return B_ENOTTY;
  }
}

int own_ioctl(int fd, struct object *object, uint64_t request, uint8_t *argument, int *handled) {
  (void)fd;
  *handled = object->kind == NODE;
  if (*handled) return node_ioctl(object, request, argument);
  if (object->kind != INET) return 0;
  *handled = request == N_SIOCIFCREATE || request == N_SIOCIFDESTROY;
  if (!*handled) return 0;
  return request == N_SIOCIFCREATE ? create(argument) : destroy(argument);
}

void own_close(struct object *object) {
  if (object->kind != NODE) return;
  struct interface *interface = interface_of(object->name);
  object->kind = FREE;
  int stays = object->is_tap ? TAP_STAYS : TUN_STAYS;
  if (interface && (!stays || object->pending < 0)) {
    if (stays) linux_delete(interface->name);
    forget(interface);
  }
}

int own_socket(int family, int type, int protocol, int *handled) {
  (void)family, (void)type, (void)protocol, (void)handled;
  return -1;
}

int own_connect(int fd, struct object *object, const uint8_t *address, int bytes) {
  (void)fd, (void)object, (void)address, (void)bytes;
  return B_EINVAL;
}

int own_bind(int fd, struct object *object, const uint8_t *address, int bytes) {
  (void)fd, (void)object, (void)address, (void)bytes;
  return B_EINVAL;
}

int own_option(struct object *object, int level, int name, void *value, uint32_t *bytes, int set) {
  (void)object, (void)level, (void)name, (void)value, (void)bytes, (void)set;
  return 42;
}

int own_read(int fd, struct object *object, uint8_t *to, size_t bytes, int *handled) {
  (void)fd, (void)object, (void)to, (void)bytes, (void)handled;
  return 0;
}
