// feth pairs as pairs of virtual Ethernet, packet filters and raw sockets as packet sockets. Refusals:
// bsd/net/if_fake.c, bsd/net/bpf.c, bsd/net/ndrv.c.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "darwin.h"

#define FILTERS 4
#define FRAME_MAX 16384
#define BUFFER_DEFAULT 4096
#define UP_BROADCAST_RUNNING_MULTICAST 0x8843
#define HEADER_BYTES 18
#define FAKE_MTU_MAX 2048

static int filters_taken;

// /dev/bpf0 is somebody else's; each of the others has one reader.
int own_open(const char *path, int flags, int *handled) {
  int unit = -1;
  (void)flags;
  if (sscanf(path, "/dev/bpf%d", &unit) != 1 || unit < 0 || unit >= FILTERS) return -1;
  *handled = 1;
  if (!privileged) return fail(13);
  if (unit == 0 || (filters_taken & (1 << unit))) return fail(B_EBUSY);
  int fd = give((int)syscall(SYS_socket, AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), FILTER);
  if (fd < 0) return fd;
  filters_taken |= 1 << unit;
  objects[fd].control = (uint32_t)unit;
  objects[fd].buffer = BUFFER_DEFAULT;
  return fd;
}

void free_filter(struct object *object) { filters_taken &= ~(1 << object->control); }

static int bind_filter(int fd, struct object *object, const uint8_t *argument) {
  char name[NAME_BYTES];
  memcpy(name, argument, NAME_BYTES);
  struct interface *interface = interface_of(name);
  if (!interface || !interface->index) return B_ENXIO;
  enter();
  int real = linux_frames(name, 1);
  leave();
  if (real < 0) return bsd_errno(errno);
  syscall(SYS_dup3, real, fd, O_CLOEXEC);
  syscall(SYS_close, real);
  syscall(SYS_fcntl, fd, F_SETFL, O_NONBLOCK);
  snprintf(object->name, NAME_BYTES, "%s", name);
  return 0;
}

static int filter_ioctl(int fd, struct object *object, uint64_t request, uint8_t *argument, int *handled) {
  *handled = 1;
  switch (request) {
    case N_BIOCSBLEN:
      if (object->name[0]) return B_EINVAL;
      if (u32(argument) > N_BPF_MAXBUFSIZE) put32(argument, N_BPF_MAXBUFSIZE);
      object->buffer = u32(argument);
      return 0;
    case N_BIOCGBLEN: put32(argument, object->buffer); return 0;
    case N_BIOCSETIF: return bind_filter(fd, object, argument);
    case N_BIOCPROMISC: case N_BIOCIMMEDIATE: case N_BIOCSSEESENT: case N_BIOCSHDRCMPLT:
      return object->name[0] ? 0 : B_EINVAL;
    // The form that asks does not set; a driver that mixes them up sees its own frames.
    case N_BIOCGSEESENT: return 0;
    default: return B_ENOTTY;
  }
}

static int create(uint8_t *argument) {
  char name[NAME_BYTES];
  if (!privileged) return B_EPERM;
  memcpy(name, argument, NAME_BYTES);
  if (strncmp(name, "feth", 4) != 0) return B_EINVAL;
  for (int unit = 0; name[4] == 0 && unit < 32; unit++) {
    snprintf((char *)argument, NAME_BYTES, "feth%d", unit);
    if (!interface_of((char *)argument)) break;
  }
  if (interface_of((char *)argument)) return B_EEXIST;
  struct interface *interface = new_interface((char *)argument);
  if (!interface) return B_ENOBUFS;
  interface->is_tap = 1;
  interface->flags = UP_BROADCAST_RUNNING_MULTICAST & ~0x41;
  return 0;
}

static int set_peer(uint8_t *argument) {
  struct interface *near = interface_of((char *)argument);
  const uint8_t *request = (const uint8_t *)(uintptr_t)u64(argument + O_ifdrv_ifd_data);
  if (!privileged) return B_EPERM;
  if (!near) return B_ENXIO;
  if (u64(argument + O_ifdrv_ifd_cmd) != N_IF_FAKE_S_CMD_SET_PEER) return B_EINVAL;
  if (u64(argument + O_ifdrv_ifd_len) != S_if_fake_request) return B_EINVAL;
  for (size_t i = 0; i < O_if_fake_request_iffr_u; i++) {
    if (request[i]) return B_EINVAL;
  }
  struct interface *far = interface_of((const char *)request + O_if_fake_request_iffr_peer_name);
  if (!far) return B_ENXIO;
  if (near->index || far->index) return B_EBUSY;
  int number = linux_pair(near->name, far->name);
  if (number) return bsd_errno(number);
  near->index = linux_index(near->name);
  far->index = linux_index(far->name);
  snprintf(near->peer, NAME_BYTES, "%s", far->name);
  snprintf(far->peer, NAME_BYTES, "%s", near->name);
  return 0;
}

static int destroy(uint8_t *argument) {
  struct interface *interface = interface_of((char *)argument);
  if (!privileged) return B_EPERM;
  if (!interface || !interface->is_tap) return B_ENXIO;
  struct interface *peer = interface->peer[0] ? interface_of(interface->peer) : NULL;
  // Linux takes both ends at once; here the other one stays, alone.
  if (interface->index) linux_delete(interface->name);
  if (peer) {
    peer->index = 0;
    peer->peer[0] = 0;
  }
  forget(interface);
  return 0;
}

int feth_ioctl(int fd, struct object *object, uint64_t request, uint8_t *argument, int *handled) {
  if (object->kind == FILTER) return filter_ioctl(fd, object, request, argument, handled);
  *handled = object->kind == INET;
  switch (*handled ? request : 0) {
    case N_SIOCIFCREATE: return create(argument);
    case N_SIOCSDRVSPEC: return set_peer(argument);
    case N_SIOCIFDESTROY: return destroy(argument);
    case N_SIOCSIFMTU: {
      struct interface *interface = interface_of((char *)argument);
      *handled = 0;
      if (!interface || !interface->is_tap || u32(argument + 16) <= FAKE_MTU_MAX) return 0;
      *handled = 1;
      return B_EINVAL;
    }
    default: *handled = 0; return 0;
  }
}

int ndrv_socket(int type) {
  if (type != N_SOCK_RAW) return fail(B_EPROTONOSUPPORT);
  if (!privileged) return fail(B_EPERM);
  return give((int)syscall(SYS_socket, AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), NDRV);
}

static int is_ndrv_address(const uint8_t *address, int bytes) {
  return bytes == S_sockaddr_ndrv && address[0] == S_sockaddr_ndrv && address[1] == N_AF_NDRV;
}

int own_bind(int fd, struct object *object, const uint8_t *address, int bytes) {
  if (object->kind != NDRV || !is_ndrv_address(address, bytes)) return B_EINVAL;
  const char *name = (const char *)address + O_sockaddr_ndrv_snd_name;
  if (!interface_of(name)) return B_ENXIO;
  enter();
  int real = linux_frames(name, 0);
  leave();
  if (real < 0) return bsd_errno(errno);
  syscall(SYS_dup3, real, fd, O_CLOEXEC);
  syscall(SYS_close, real);
  snprintf(object->name, NAME_BYTES, "%s", name);
  return 0;
}

int ndrv_connect(struct object *object, const uint8_t *address, int bytes) {
  return object->name[0] && is_ndrv_address(address, bytes) ? 0 : B_EINVAL;
}

// bpf.c: a read asks for exactly the buffer, and gets as many records as fit.
int own_read(int fd, struct object *object, uint8_t *to, size_t bytes, int *handled) {
  if (object->kind != FILTER) return 0;
  *handled = 1;
  if (!object->name[0]) return -B_ENXIO;
  if (bytes != object->buffer) return -B_EINVAL;
  size_t used = 0;
  while (used + HEADER_BYTES + FRAME_MAX <= bytes) {
    uint8_t *record = to + used;
    long length = syscall(SYS_read, fd, record + HEADER_BYTES, FRAME_MAX);
    if (length < 0) break;
    put32(record, (uint32_t)time(NULL));
    put32(record + 4, 0);
    put32(record + O_bpf_hdr_bh_caplen, (uint32_t)length);
    put32(record + O_bpf_hdr_bh_datalen, (uint32_t)length);
    put16(record + O_bpf_hdr_bh_hdrlen, HEADER_BYTES);
    used += (HEADER_BYTES + (size_t)length + N_BPF_ALIGNMENT - 1) / N_BPF_ALIGNMENT * N_BPF_ALIGNMENT;
  }
  return used ? (int)used : -B_EAGAIN;
}

