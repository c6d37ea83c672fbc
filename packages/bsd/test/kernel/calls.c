// The calls themselves, with the system's numbers for flags and families. What Linux has to do is asked for by
// syscall(2): the names here are the test's own.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "kernel.h"

#define SYS(...) ((int)syscall(__VA_ARGS__))
#define HELD(...) do { pthread_mutex_lock(&lock); __VA_ARGS__; pthread_mutex_unlock(&lock); } while (0)

// Apple's arm64 convention: a variadic argument lies on the stack, behind eight registers.
#ifdef STACK_ARGUMENT
#define PADDING uint64_t x2, uint64_t x3, uint64_t x4, uint64_t x5, uint64_t x6, uint64_t x7,
#define IGNORE_PADDING (void)x2, (void)x3, (void)x4, (void)x5, (void)x6, (void)x7
#else
#define PADDING
#define IGNORE_PADDING (void)0
#endif

// The C library's headers have these names already, so the functions are called otherwise here.
#define CALL(name) call_##name
#define NAME(name) __asm__(".globl " #name "\n.type " #name ", @function\n.set " #name ", call_" #name)

static int answer(int result) { return result < 0 ? fail(bsd_errno(errno)) : result; }

int CALL(socket)(int family, int type, int protocol) {
  int number, handled = 0, fd = -1;
  HELD(number = refusal("socket", (uint64_t)family));
  if (number) return fail(number);
  pthread_mutex_lock(&lock);
  enter();
  if (family == N_AF_INET || family == N_AF_INET6) {
    fd = give(SYS(SYS_socket, family == N_AF_INET ? AF_INET : AF_INET6, type, protocol), INET);
    if (fd >= 0) objects[fd].family = family;
  } else if (family == N_AF_ROUTE) {
    int ends[2];
    if (type != N_SOCK_RAW) number = B_EPROTONOSUPPORT;
    else if (SYS(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, ends) == 0) {
      fd = give(ends[0], ROUTE);
      objects[fd].far = ends[1];
    }
  } else {
    fd = own_socket(family, type, protocol, &handled);
    if (!handled) number = B_EAFNOSUPPORT;
  }
  leave();
  tell("socket %d %d %d = %d", family, type, protocol, number ? -number : fd >= 0 ? 0 : -1);
  pthread_mutex_unlock(&lock);
  return number ? fail(number) : fd;
}

int CALL(open)(const char *path, int flags) {
  int handled = 0, fd;
  int number;
  HELD(number = refusal("open", 0));
  if (number) return fail(number);
  pthread_mutex_lock(&lock);
  enter();
  fd = own_open(path, flags, &handled);
  leave();
  tell("open %s = %d", path, handled ? (fd >= 0 ? 0 : -1) : -B_ENOENT);
  pthread_mutex_unlock(&lock);
  return handled ? fd : fail(B_ENOENT);
}

int CALL(close)(int fd) {
  pthread_mutex_lock(&lock);
  struct object *object = object_of(fd);
  if (!object) {
    pthread_mutex_unlock(&lock);
    return fail(B_EBADF);
  }
  own_close(object);
  if (object->far >= 0) SYS(SYS_close, object->far);
  object->kind = FREE;
  pthread_mutex_unlock(&lock);
  return answer(SYS(SYS_close, fd));
}

int CALL(pipe)(int *ends) {
  int result = SYS(SYS_pipe2, ends, 0);
  if (result < 0) return answer(result);
  HELD(give(ends[0], PLAIN); give(ends[1], PLAIN));
  return 0;
}

static int control(int fd, int command, int64_t value) {
  struct object *object = object_of(fd);
  if (!object) return fail(B_EBADF);
  if (command == 3) return answer((SYS(SYS_fcntl, fd, F_GETFL, 0) & O_NONBLOCK) ? N_O_NONBLOCK | 2 : 2);
  if (command == 4) return answer(SYS(SYS_fcntl, fd, F_SETFL, (value & N_O_NONBLOCK) ? O_NONBLOCK : 0));
  if (command == 2) return answer(SYS(SYS_fcntl, fd, F_SETFD, (int)value));
  return fail(B_EINVAL);
}

int CALL(fcntl)(int fd, int command, PADDING int64_t value) {
  IGNORE_PADDING;
  return control(fd, command, value);
}

static void tell_request(uint64_t request, const uint8_t *argument, int number) {
  char hex[1025] = "";
  size_t bytes = (request >> 16) & 0x1fff;
  for (size_t i = 0; argument && i < bytes && i < 512; i++) snprintf(hex + i * 2, 3, "%02x", argument[i]);
  tell("ioctl 0x%llx %s = %d", (unsigned long long)request, hex, number);
}

static int request(int fd, uint64_t request, uint8_t *argument) {
  int number, handled = 0;
  pthread_mutex_lock(&lock);
  struct object *object = object_of(fd);
  number = refusal("ioctl", request);
  uint8_t before[512] = {0};
  size_t bytes = (request >> 16) & 0x1fff;
  // An address that no program has: the argument was not where this system looks for it.
  if (bytes && (uintptr_t)argument < 0x10000) number = B_EFAULT;
  else if (bytes) memcpy(before, argument, bytes < 512 ? bytes : 512);
  if (!object) number = B_EBADF;
  if (!number) number = own_ioctl(fd, object, request, argument, &handled);
  if (!number && !handled) {
    number = object->kind == INET ? interface_ioctl(object, request, argument) : N_EOPNOTSUPP;
  }
  tell_request(request, before, number);
  pthread_mutex_unlock(&lock);
  return number ? fail(number) : 0;
}

int CALL(ioctl)(int fd, unsigned long code, PADDING void *argument) {
  IGNORE_PADDING;
  return request(fd, code, argument);
}

#ifdef STUBS
EXPORT int __ioctl(int fd, unsigned long code, void *argument) { return request(fd, code, argument); }
EXPORT int __fcntl(int fd, int command, int64_t value) { return control(fd, command, value); }
#endif

int CALL(connect)(int fd, const uint8_t *address, int bytes) {
  int number;
  pthread_mutex_lock(&lock);
  struct object *object = object_of(fd);
  number = refusal("connect", 0);
  if (!number) number = object ? own_connect(fd, object, address, bytes) : B_EBADF;
  tell("connect = %d", number);
  pthread_mutex_unlock(&lock);
  return number ? fail(number) : 0;
}

int CALL(bind)(int fd, const uint8_t *address, int bytes) {
  int number;
  struct object *object = object_of(fd);
  HELD(number = object ? own_bind(fd, object, address, bytes) : B_EBADF);
  return number ? fail(number) : 0;
}

static int option(int fd, int level, int name, void *value, uint32_t *bytes, int set) {
  int number;
  pthread_mutex_lock(&lock);
  struct object *object = object_of(fd);
  number = object ? own_option(object, level, name, value, bytes, set) : B_EBADF;
  if (object) tell("%s %d %d = %d", set ? "setsockopt" : "getsockopt", level, name, number);
  pthread_mutex_unlock(&lock);
  return number ? fail(number) : 0;
}

int CALL(getsockopt)(int fd, int level, int name, void *value, uint32_t *bytes) {
  return option(fd, level, name, value, bytes, 0);
}

int CALL(setsockopt)(int fd, int level, int name, void *value, uint32_t bytes) {
  return option(fd, level, name, value, &bytes, 1);
}

static size_t total(const struct iovec *pieces, int count) {
  size_t bytes = 0;
  for (int i = 0; i < count; i++) bytes += pieces[i].iov_len;
  return bytes;
}

// One packet, with its family before it where the device has that; what has no room is cut off.
static ssize_t read_pieces(int fd, const struct iovec *pieces, int count) {
  static __thread uint8_t packet[PACKET_MAX + 4];
  struct object *object = object_of(fd);
  if (!object) return fail(B_EBADF);
  int handled = 0, number;
  HELD(number = refusal("read", 0));
  if (number) return fail(number);
  number = own_read(fd, object, pieces[0].iov_base, total(pieces, count), &handled);
  if (handled) return number < 0 ? fail(-number) : number;
  int header = object->behind_family ? 4 : 0;
  ssize_t bytes;
  // Without a family before it, IPv6 never gets into a tunnel.
  do bytes = syscall(SYS_read, fd, packet + header, PACKET_MAX);
  while (bytes > 0 && object->kind == NODE && !object->is_tap && !header && packet[0] >> 4 == 6);
  if (bytes < 0) return fail(bsd_errno(errno));
  if (header) {
    memset(packet, 0, 3);
    packet[3] = packet[header] >> 4 == 6 ? N_AF_INET6 : N_AF_INET;
    bytes += header;
  }
  size_t copied = 0;
  for (int i = 0; i < count && copied < (size_t)bytes; i++) {
    size_t piece = pieces[i].iov_len < (size_t)bytes - copied ? pieces[i].iov_len : (size_t)bytes - copied;
    memcpy(pieces[i].iov_base, packet + copied, piece);
    copied += piece;
  }
  return (ssize_t)copied;
}

static ssize_t write_pieces(int fd, const struct iovec *pieces, int count) {
  static __thread uint8_t packet[PACKET_MAX + 4];
  struct object *object = object_of(fd);
  if (!object) return fail(B_EBADF);
  int number;
  HELD(number = refusal("write", 0));
  if (number) return fail(number);
  size_t bytes = 0;
  for (int i = 0; i < count; i++) {
    if (bytes + pieces[i].iov_len > sizeof packet) return fail(B_EMSGSIZE);
    memcpy(packet + bytes, pieces[i].iov_base, pieces[i].iov_len);
    bytes += pieces[i].iov_len;
  }
  if (object->kind == ROUTE) {
    HELD(number = route_write(fd, packet, bytes));
    return number ? fail(number) : (ssize_t)bytes;
  }
  int header = object->behind_family ? 4 : 0;
  if (bytes < (size_t)header + (object->kind == CONTROL || object->kind == NODE)) return fail(B_EINVAL);
  if (header) {
    uint32_t family = (uint32_t)packet[0] << 24 | (uint32_t)packet[1] << 16 | (uint32_t)packet[2] << 8 | packet[3];
    uint32_t fits = packet[header] >> 4 == 6 ? N_AF_INET6 : N_AF_INET;
    if (family != fits) return fail(B_EAFNOSUPPORT);
  } else if (object->kind == NODE && !object->is_tap && packet[0] >> 4 == 6 && N_NEEDS_FAMILY_FOR_IPV6) {
    return fail(B_EAFNOSUPPORT);
  }
  ssize_t written = syscall(SYS_write, fd, packet + header, bytes - (size_t)header);
  // What is written to an interface that is down vanishes.
  if (written < 0 && errno != EIO) return fail(bsd_errno(errno));
  return (ssize_t)bytes;
}

ssize_t CALL(readv)(int fd, const struct iovec *pieces, int count) { return read_pieces(fd, pieces, count); }
ssize_t CALL(writev)(int fd, const struct iovec *pieces, int count) { return write_pieces(fd, pieces, count); }

ssize_t CALL(read)(int fd, void *to, size_t bytes) {
  struct iovec piece = {to, bytes};
  return read_pieces(fd, &piece, 1);
}

ssize_t CALL(write)(int fd, const void *from, size_t bytes) {
  struct iovec piece = {(void *)from, bytes};
  return write_pieces(fd, &piece, 1);
}

int CALL(poll)(void *places, unsigned count, int timeout) { return answer(SYS(SYS_poll, places, count, timeout)); }

unsigned CALL(if_nametoindex)(const char *name) { return (unsigned)linux_index(name); }

int CALL(sysctl)(const int *name, unsigned count, void *old, uint64_t *bytes, void *fresh, size_t fresh_bytes) {
  (void)fresh, (void)fresh_bytes;
  if (count != 6 || name[0] != 4 || name[1] != N_AF_ROUTE) return fail(B_ENOENT);
  int number;
  HELD(number = list_routes(name[4], name[5], old, bytes));
  return number ? fail(number) : 0;
}

NAME(socket);
NAME(open);
NAME(close);
NAME(pipe);
NAME(fcntl);
NAME(ioctl);
NAME(connect);
NAME(bind);
NAME(getsockopt);
NAME(setsockopt);
NAME(read);
NAME(write);
NAME(readv);
NAME(writev);
NAME(poll);
NAME(if_nametoindex);
NAME(sysctl);
