// The utun control of xnu and the system domain it lives in. Refusals: bsd/kern/kern_control.c, bsd/net/if_utun.c.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "darwin.h"

#define CONTROL_ID 5
#define UNITS_MAX 64
#define UP_POINTOPOINT_RUNNING_MULTICAST 0x8051

int own_socket(int family, int type, int protocol, int *handled) {
  *handled = family == N_AF_SYSTEM || family == N_AF_NDRV;
  if (family == N_AF_NDRV) return ndrv_socket(type);
  if (family != N_AF_SYSTEM) return -1;
  // kern_control.c: the protocol is of datagrams.
  if (type != N_SOCK_DGRAM || protocol != N_SYSPROTO_CONTROL) return fail(B_EPROTONOSUPPORT);
  return give((int)syscall(SYS_openat, AT_FDCWD, "/dev/net/tun", O_RDWR | O_CLOEXEC), CONTROL);
}

static int query(struct object *object, uint8_t *argument) {
  if (object->kind != CONTROL) return B_ENOTTY;
  const char *name = (const char *)argument + O_ctl_info_ctl_name;
  if (strncmp(name, "com.apple.net.utun_control", S_ctl_info - O_ctl_info_ctl_name) != 0) return B_ENOENT;
  put32(argument + O_ctl_info_ctl_id, CONTROL_ID);
  object->control = CONTROL_ID;
  return 0;
}

int own_ioctl(int fd, struct object *object, uint64_t request, uint8_t *argument, int *handled) {
  *handled = 1;
  if (request == N_CTLIOCGINFO) return query(object, argument);
  return feth_ioctl(fd, object, request, argument, handled);
}

int own_connect(int fd, struct object *object, const uint8_t *address, int bytes) {
  if (object->kind == NDRV) return ndrv_connect(object, address, bytes);
  if (object->kind != CONTROL) return B_EINVAL;
  if (object->name[0]) return B_EISCONN;
  if (bytes != S_sockaddr_ctl || address[O_sockaddr_ctl_sc_len] != S_sockaddr_ctl) return B_EINVAL;
  if (address[O_sockaddr_ctl_sc_family] != N_AF_SYSTEM) return B_EAFNOSUPPORT;
  if (u16(address + O_sockaddr_ctl_ss_sysaddr) != N_AF_SYS_CONTROL) return B_EINVAL;
  if (u32(address + O_sockaddr_ctl_sc_id) != CONTROL_ID) return B_ENOENT;
  for (size_t i = O_sockaddr_ctl_sc_reserved; i < S_sockaddr_ctl; i++) {
    if (address[i]) return B_EINVAL;
  }
  if (!privileged) return B_EPERM;
  uint32_t unit = u32(address + O_sockaddr_ctl_sc_unit);
  char name[NAME_BYTES];
  if (unit == 0) {
    do snprintf(name, NAME_BYTES, "utun%u", unit++);
    while (interface_of(name) && unit < UNITS_MAX);
  } else {
    snprintf(name, NAME_BYTES, "utun%u", unit - 1);
  }
  if (interface_of(name)) return B_EBUSY;
  int number = linux_tun(fd, name, 0);
  if (number) return number == EBUSY ? B_EBUSY : bsd_errno(number);
  struct interface *interface = new_interface(name);
  interface->index = linux_index(name);
  interface->flags = UP_POINTOPOINT_RUNNING_MULTICAST;
  linux_up(name, 1);
  snprintf(object->name, NAME_BYTES, "%s", name);
  object->behind_family = 1;
  return 0;
}

int own_option(struct object *object, int level, int name, void *value, uint32_t *bytes, int set) {
  if (object->kind != CONTROL || level != N_SYSPROTO_CONTROL) return 42;
  if (!object->name[0]) return B_ENOTCONN;
  if (set && name == N_UTUN_OPT_MAX_PENDING_PACKETS) {
    if (*bytes != 4 || u32(value) == 0) return B_EINVAL;
    object->pending = (int)u32(value);
    return 0;
  }
  if (set || name != N_UTUN_OPT_IFNAME) return 42;
  size_t length = strlen(object->name) + 1;
  if (*bytes < length) return B_EMSGSIZE;
  memcpy(value, object->name, length);
  *bytes = (uint32_t)length;
  return 0;
}

void own_close(struct object *object) {
  if (object->kind == FILTER) free_filter(object);
  struct interface *interface = object->kind == CONTROL ? interface_of(object->name) : NULL;
  if (!interface) return;
  interface->flags = 0;
  announce_link(interface);
  forget(interface);
}

// Of a utun that was told to keep one packet, one call fetches one. Every field of a header counts.
EXPORT long recvmsg_x(int fd, uint8_t *headers, unsigned count, int flags) {
  struct object *object = object_of(fd);
  if (!object || object->kind != CONTROL) return fail(B_EINVAL);
  int number = refusal("recvmsg_x", 0);
  if (number) return fail(number);
  if (flags || count > 256) return fail(B_EINVAL);
  unsigned most = object->pending < (int)count ? (unsigned)object->pending : count;
  unsigned came = 0;
  for (; came < most; came++) {
    uint8_t *header = headers + came * S_msghdr_x;
    if (u64(header + O_msghdr_x_msg_name) || u32(header + O_msghdr_x_msg_namelen)) return fail(B_EINVAL);
    if (u64(header + O_msghdr_x_msg_control) || u32(header + O_msghdr_x_msg_flags)) return fail(B_EINVAL);
    if (u64(header + O_msghdr_x_msg_datalen)) return fail(B_EINVAL);
    const struct iovec *pieces = (const struct iovec *)(uintptr_t)u64(header + O_msghdr_x_msg_iov);
    long bytes = call_readv(fd, pieces, (int)u32(header + O_msghdr_x_msg_iovlen));
    if (bytes < 0) break;
    put64(header + O_msghdr_x_msg_datalen, (uint64_t)bytes);
    put32(header + O_msghdr_x_msg_flags, 0x80);
  }
  return came ? (long)came : -1;
}
