// A C library with the sockets of macOS or FreeBSD: their numbers, their addresses, their refusals, on Linux's sockets.
// The numbers (N_…) come from tables computed from those systems' own headers.
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// poll.h, with _GNU_SOURCE
#define POLLRDHUP 0x2000

static _Thread_local int last;
int *__error(void) { return &last; }

static const int ERRORS[][2] = {
  {EAGAIN, N_EAGAIN}, {EINPROGRESS, N_EINPROGRESS}, {EADDRINUSE, N_EADDRINUSE}, {EADDRNOTAVAIL, N_EADDRNOTAVAIL},
  {ENETUNREACH, N_ENETUNREACH}, {EHOSTUNREACH, N_EHOSTUNREACH}, {ECONNRESET, N_ECONNRESET}, {ETIMEDOUT, N_ETIMEDOUT},
  {ECONNREFUSED, N_ECONNREFUSED}, {ENOTCONN, N_ENOTCONN}, {ENOPROTOOPT, N_ENOPROTOOPT}, {ENOBUFS, N_ENOBUFS},
};

static int number(int error) {
  for (unsigned i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++) if (ERRORS[i][0] == error) return ERRORS[i][1];
  return error;
}
static int fail(int error) { last = number(error); return -1; }
static long done(long result) { return result < 0 ? fail(errno) : result; }

// family and length of a sockaddr, there and back
static int inward(const void *address, unsigned bytes, struct sockaddr_storage *to) {
  const unsigned char *from = address;
  unsigned family = from[1];
  if (from[0] != bytes || (family != AF_INET && family != N_AF_INET6)) return 0;
  if (bytes != (family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6))) return 0;
  memcpy(to, from, bytes);
  to->ss_family = family == AF_INET ? AF_INET : AF_INET6;
  return 1;
}
static void outward(void *at, unsigned bytes) {
  unsigned char *address = at;
  unsigned family = ((struct sockaddr *)address)->sa_family;
  if (bytes < 2) return;
  address[0] = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
  address[1] = family == AF_INET ? AF_INET : N_AF_INET6;
}

int socket(int family, int type, int protocol) {
  if (type != SOCK_STREAM && type != SOCK_DGRAM) return fail(EPROTONOSUPPORT);
  if (family != AF_INET && family != N_AF_INET6) return fail(EAFNOSUPPORT);
  return done(syscall(SYS_socket, family == AF_INET ? AF_INET : AF_INET6, type, protocol));
}
int bind(int fd, const struct sockaddr *address, socklen_t bytes) {
  struct sockaddr_storage own;
  if (!inward(address, bytes, &own)) return fail(EINVAL);
  return done(syscall(SYS_bind, fd, &own, bytes));
}
int connect(int fd, const struct sockaddr *address, socklen_t bytes) {
  struct sockaddr_storage own;
  if (!inward(address, bytes, &own)) return fail(EINVAL);
  return done(syscall(SYS_connect, fd, &own, bytes));
}
int listen(int fd, int backlog) { return done(syscall(SYS_listen, fd, backlog)); }
// The new descriptor has the flags of the one that listened.
int accept(int fd, struct sockaddr *address, socklen_t *bytes) {
  int flags = syscall(SYS_fcntl, fd, F_GETFL, 0) & O_NONBLOCK;
  int found = done(syscall(SYS_accept4, fd, address, bytes, flags ? SOCK_NONBLOCK : 0));
  if (found >= 0) outward(address, *bytes);
  return found;
}
int getsockname(int fd, struct sockaddr *address, socklen_t *bytes) {
  int result = done(syscall(SYS_getsockname, fd, address, bytes));
  if (result == 0) outward(address, *bytes);
  return result;
}

static int option(int level, int name, int *own_level, int *own) {
  *own_level = level;
  if (level == N_SOL_SOCKET) {
    *own_level = SOL_SOCKET;
    if (name == N_SO_REUSEADDR) return *own = SO_REUSEADDR, 1;
    if (name == N_SO_ERROR) return *own = SO_ERROR, 1;
    if (name == N_SO_LINGER) return *own = SO_LINGER, 1;
#ifdef N_SO_USER_COOKIE
    if (name == N_SO_USER_COOKIE) return *own = SO_MARK, 1;
#endif
    return 0;
  }
  if (level == IPPROTO_TCP && name == 1) return *own = TCP_NODELAY, 1;
  if (level == IPPROTO_IP && name == N_IP_TTL) return *own = IP_TTL, 1;
  if (level == IPPROTO_IPV6 && name == N_IPV6_UNICAST_HOPS) return *own = IPV6_UNICAST_HOPS, 1;
  if (level == IPPROTO_IPV6 && name == N_IPV6_V6ONLY) return *own = IPV6_V6ONLY, 1;
  return 0;
}
static int family_of(int fd) {
  int family = 0;
  socklen_t bytes = sizeof family;
  syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &family, &bytes);
  return family;
}
int setsockopt(int fd, int level, int name, const void *value, socklen_t bytes) {
  int own_level, own;
#ifdef N_SO_NOSIGPIPE
  if (level == N_SOL_SOCKET && name == N_SO_NOSIGPIPE) return bytes == 4 ? 0 : fail(EINVAL);
#endif
#ifdef N_IP_BOUND_IF
  if ((level == IPPROTO_IP && name == N_IP_BOUND_IF) || (level == IPPROTO_IPV6 && name == N_IPV6_BOUND_IF)) {
    char device[IFNAMSIZ];
    if (family_of(fd) != (level == IPPROTO_IP ? AF_INET : AF_INET6)) return fail(EINVAL);
    if (!if_indextoname(*(const unsigned *)value, device)) return fail(ENXIO);
    return done(syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device) + 1));
  }
#endif
  if (level == IPPROTO_IP && name == N_IP_TTL && *(const int *)value < 1) return fail(EINVAL);
  if (!option(level, name, &own_level, &own)) return fail(ENOPROTOOPT);
  return done(syscall(SYS_setsockopt, fd, own_level, own, value, bytes));
}
int getsockopt(int fd, int level, int name, void *value, socklen_t *bytes) {
  int own_level, own;
  if (!option(level, name, &own_level, &own)) return fail(ENOPROTOOPT);
  int result = done(syscall(SYS_getsockopt, fd, own_level, own, value, bytes));
  if (result == 0 && own_level == SOL_SOCKET && own == SO_ERROR) *(int *)value = number(*(int *)value);
  return result;
}

static int flagged(int flags, int *own) {
  *own = MSG_NOSIGNAL | (flags & MSG_OOB);
  return (flags & ~(MSG_OOB | N_MSG_NOSIGNAL)) == 0;
}
ssize_t recv(int fd, void *at, size_t bytes, int flags) {
  return flags ? fail(EINVAL) : done(syscall(SYS_recvfrom, fd, at, (unsigned)bytes, 0, NULL, NULL));
}
ssize_t send(int fd, const void *at, size_t bytes, int flags) {
  int own;
  return flagged(flags, &own) ? done(syscall(SYS_sendto, fd, at, (unsigned)bytes, own, NULL, 0)) : fail(EINVAL);
}
ssize_t recvfrom(int fd, void *at, size_t bytes, int flags, struct sockaddr *peer, socklen_t *peer_bytes) {
  long result = flags ? fail(EINVAL) : done(syscall(SYS_recvfrom, fd, at, (unsigned)bytes, 0, peer, peer_bytes));
  if (result >= 0) outward(peer, *peer_bytes);
  return result;
}
ssize_t sendto(int fd, const void *at, size_t bytes, int flags, const struct sockaddr *peer, socklen_t peer_bytes) {
  struct sockaddr_storage to;
  int own;
  if (!flagged(flags, &own) || !inward(peer, peer_bytes, &to)) return fail(EINVAL);
  return done(syscall(SYS_sendto, fd, at, (unsigned)bytes, own, &to, peer_bytes));
}
int shutdown(int fd, int how) { return done(syscall(SYS_shutdown, fd, how)); }
int close(int fd) { return done(syscall(SYS_close, fd)); }

int fcntl(int fd, int command, ...) {
  va_list words;
  va_start(words, command);
  long value = va_arg(words, long);
  va_end(words);
  if (command == F_SETFL) value = value & N_O_NONBLOCK ? O_NONBLOCK : 0;
  long result = done(syscall(SYS_fcntl, fd, command, value));
  return command == F_GETFL && result >= 0 ? (result & O_NONBLOCK ? N_O_NONBLOCK : 0) : result;
}

// The end of what the other side sends is a hang-up here.
int poll(struct pollfd *set, nfds_t count, int timeout) {
  for (nfds_t i = 0; i < count; i++) set[i].events |= POLLRDHUP;
  struct timespec wait = {timeout / 1000, timeout % 1000 * 1000000L};
  long result = syscall(SYS_ppoll, set, count, timeout < 0 ? NULL : &wait, NULL, 0);
  for (nfds_t i = 0; i < count; i++) {
    if (set[i].revents & POLLRDHUP) set[i].revents = (set[i].revents & ~POLLRDHUP) | POLLHUP;
    set[i].events &= ~POLLRDHUP;
  }
  return done(result);
}
unsigned if_nametoindex(const char *name) {
  struct ifreq_name { char name[IFNAMSIZ]; int index; char rest[20]; } request = {0};
  strncpy(request.name, name, IFNAMSIZ - 1);
  int fd = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
  long result = syscall(SYS_ioctl, fd, 0x8933 /* SIOCGIFINDEX */, &request);
  syscall(SYS_close, fd);
  return result < 0 ? 0 : request.index;
}
// RLIMIT_NOFILE is 8 there, and where OPEN_MAX is known no limit may be beyond it.
int getrlimit(__rlimit_resource_t resource, struct rlimit *limit) {
  return resource == 8 ? done(syscall(SYS_getrlimit, RLIMIT_NOFILE, limit)) : fail(EINVAL);
}
int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit) {
#ifdef N_OPEN_MAX
  if (limit->rlim_cur > N_OPEN_MAX) return fail(EINVAL);
#endif
  return resource == 8 ? done(syscall(SYS_setrlimit, RLIMIT_NOFILE, limit)) : fail(EINVAL);
}
