// Calls of Linux: the device behind an adapter, and what is really set about it. A process under Wine is a process of
// Linux, so a DLL can make its system calls itself.
#include "double.h"

#ifdef _WIN32
// asm/unistd_64.h
#define CALL(n, a, b, c, d, e) call64(n, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e))
static int64_t call64(int64_t n, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
  int64_t result;
  register uint64_t r10 __asm__("r10") = d;
  register uint64_t r8 __asm__("r8") = e;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}
enum { SYS_read = 0, SYS_write = 1, SYS_open = 2, SYS_close = 3, SYS_poll = 7, SYS_ioctl = 16, SYS_socket = 41 };
enum { SYS_pipe2 = 293 };
#define OPEN(path, flags) CALL(SYS_open, path, flags, 0, 0, 0)
#define POLL(places, count, ms) CALL(SYS_poll, places, count, ms, 0, 0)
#else
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <poll.h>
static int64_t CALL(long n, long a, long b, long c, long d, long e) {
  long result = syscall(n, a, b, c, d, e);
  return result < 0 ? -errno : result;
}
#define CALL(n, a, b, c, d, e) CALL(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))
static int64_t OPEN(const char *path, int flags) {
  int fd = open(path, flags);
  return fd < 0 ? -errno : fd;
}
static int64_t POLL(void *places, int count, int ms) {
  return poll(places, count, ms);
}
#endif

// asm-generic/fcntl.h, linux/if_tun.h, linux/sockios.h, linux/netlink.h, linux/rtnetlink.h
enum { RDWR = 2, CLOEXEC = 0x80000, NONBLOCK = 0x800, TUN = 1, TAP = 2, NO_PI = 0x1000 };
enum { SETIFF = 0x400454ca, GIFFLAGS = 0x8913, SIFFLAGS = 0x8914, SIFMTU = 0x8922, GIFINDEX = 0x8933, UP = 1 };
enum { NEWADDR = 20, DELADDR = 21, NEWROUTE = 24, DELROUTE = 25, REQUEST = 1, ACK = 4, CREATE = 0x400, EXCL = 0x200 };
enum { REPLACE = 0x100, NODAD = 2, TABLE_MAIN = 254, PROTOCOL_STATIC = 4, SCOPE_LINK = 253, UNICAST = 1 };

struct ifreq40 {
  char name[16];
  union {
    short flags;
    int32_t number;
    char room[24];
  } u;
};

static long interface_call(const char *name, unsigned long request, int32_t *number, int set) {
  struct ifreq40 ifreq;
  memset(&ifreq, 0, sizeof ifreq);
  strncpy(ifreq.name, name, 15);
  if (set) ifreq.u.number = *number;
  long fd = CALL(SYS_socket, 2, 2 | CLOEXEC, 0, 0, 0);
  if (fd < 0) return fd;
  long result = CALL(SYS_ioctl, fd, request, &ifreq, 0, 0);
  *number = ifreq.u.number;
  CALL(SYS_close, fd, 0, 0, 0, 0);
  return result;
}

long linux_open_device(char *name, int tap) {
  struct ifreq40 ifreq;
  long fd = OPEN("/dev/net/tun", RDWR | CLOEXEC | NONBLOCK);
  if (fd < 0) return fd;
  memset(&ifreq, 0, sizeof ifreq);
  ifreq.u.flags = (short)((tap ? TAP : TUN) | NO_PI);
  long result = CALL(SYS_ioctl, fd, SETIFF, &ifreq, 0, 0);
  if (result < 0) {
    linux_close((int)fd);
    return result;
  }
  memcpy(name, ifreq.name, 16);
  // No address comes of its own accord.
  char path[96];
  snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", name);
  long mode = OPEN(path, 1);
  if (mode >= 0) {
    CALL(SYS_write, mode, "1", 1, 0, 0);
    linux_close((int)mode);
  }
  return fd;
}

long linux_read(int fd, void *to, uint32_t room) { return CALL(SYS_read, fd, to, room, 0, 0); }
long linux_write(int fd, const void *from, uint32_t bytes) { return CALL(SYS_write, fd, from, bytes, 0, 0); }
long linux_pipe(int *ends) { return CALL(SYS_pipe2, ends, CLOEXEC, 0, 0, 0); }
void linux_close(int fd) { CALL(SYS_close, fd, 0, 0, 0, 0); }

int linux_wait(int fd, int stop) {
  struct {
    int fd;
    short events, found;
  } places[2] = {{fd, 1, 0}, {stop, 1, 0}};
  POLL(places, 2, -1);
  return places[1].found == 0;
}

uint32_t linux_index(const char *name) {
  int32_t index = 0;
  return interface_call(name, GIFINDEX, &index, 0) < 0 ? 0 : (uint32_t)index;
}

long linux_up(const char *name) {
  int32_t flags = 0;
  interface_call(name, GIFFLAGS, &flags, 0);
  flags |= UP;
  return interface_call(name, SIFFLAGS, &flags, 1);
}

long linux_mtu(const char *name, uint32_t mtu) {
  int32_t number = (int32_t)mtu;
  return interface_call(name, SIFMTU, &number, 1);
}

/** A request of rtnetlink as it grows: | nlmsghdr 16 | header | attributes | */
struct message {
  uint32_t length;
  uint16_t type, flags;
  uint32_t seq, port;
  unsigned char body[240];
};

static void attribute(struct message *message, uint16_t type, const void *value, uint16_t bytes) {
  unsigned char *at = message->body + message->length - 16;
  uint16_t head[2] = {(uint16_t)(4 + bytes), type};
  memcpy(at, head, 4);
  memcpy(at + 4, value, bytes);
  message->length += 4 + ((bytes + 3) & ~3);
}

static long tell_kernel(struct message *message) {
  unsigned char answer[512];
  message->seq = 1;
  long fd = CALL(SYS_socket, 16, 3 | CLOEXEC, 0, 0, 0);
  if (fd < 0) return fd;
  CALL(SYS_write, fd, message, message->length, 0, 0);
  long bytes = CALL(SYS_read, fd, answer, sizeof answer, 0, 0);
  linux_close((int)fd);
  return bytes < 20 ? -5 : *(int32_t *)(answer + 16);
}

static unsigned char family_of(int bytes) { return bytes == 4 ? 2 : 10; }

long linux_address(int add, uint32_t index, const unsigned char *address, int bytes, int prefix) {
  struct message message = {.length = 16 + 8, .type = add ? NEWADDR : DELADDR};
  message.flags = REQUEST | ACK | (add ? CREATE | EXCL : 0);
  message.body[0] = family_of(bytes);
  message.body[1] = (unsigned char)prefix;
  message.body[2] = NODAD;
  memcpy(message.body + 4, &index, 4);
  attribute(&message, 2, address, (uint16_t)bytes);
  attribute(&message, 1, address, (uint16_t)bytes);
  return tell_kernel(&message);
}

long linux_route(int add, uint32_t index, const unsigned char *to, int bytes, int prefix, const unsigned char *hop,
                 uint32_t metric) {
  static const unsigned char none[16];
  struct message message = {.length = 16 + 12, .type = add ? NEWROUTE : DELROUTE};
  message.flags = REQUEST | ACK | (add ? CREATE | REPLACE : 0);
  int has_hop = memcmp(hop, none, (size_t)bytes) != 0;
  message.body[0] = family_of(bytes);
  message.body[1] = (unsigned char)prefix;
  message.body[4] = TABLE_MAIN;
  message.body[5] = PROTOCOL_STATIC;
  message.body[6] = has_hop ? 0 : SCOPE_LINK;
  message.body[7] = UNICAST;
  attribute(&message, 1, to, (uint16_t)bytes);
  attribute(&message, 4, &index, 4);
  if (has_hop) attribute(&message, 5, hop, (uint16_t)bytes);
  if (metric != 0) attribute(&message, 6, &metric, 4);
  return tell_kernel(&message);
}
