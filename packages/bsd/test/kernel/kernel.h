// A kernel for drivers to be tested against: the calls of another system, with its numbers, structs and refusals,
// backed by interfaces of Linux. numbers.h is made from the tables in test/abi: N_ constants, S_ sizes, O_ offsets.
#pragma once
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "numbers.h"

#define EXPORT __attribute__((visibility("default")))
#define OBJECTS_MAX 1024
#define INTERFACES_MAX 32
#define ADDRESSES_MAX 16
#define ROUTES_MAX 1024
#define NAME_BYTES 16
#define PACKET_MAX 65540

// Errors that have one number on macOS and every BSD.
enum {
  B_EPERM = 1, B_ENOENT = 2, B_ESRCH = 3, B_ENXIO = 6, B_EBADF = 9, B_EFAULT = 14, B_EBUSY = 16, B_EEXIST = 17,
  B_EINVAL = 22, B_ENOTTY = 25, B_EAGAIN = 35, B_EMSGSIZE = 40, B_EPROTONOSUPPORT = 43, B_EAFNOSUPPORT = 47,
  B_EADDRNOTAVAIL = 49, B_ENETUNREACH = 51, B_ENOBUFS = 55, B_EISCONN = 56, B_ENOTCONN = 57,
};

enum kind { FREE, PLAIN, INET, ROUTE, CONTROL, NDRV, FILTER, NODE };

// What stands behind a descriptor.
struct object {
  enum kind kind;
  int family;        // of a socket, in the system's own number
  int far;           // the kernel's end of a routing socket
  int behind_family; // packets stand behind four octets of address family
  int is_tap;
  int pending;       // packets that one call may fetch
  uint32_t control;  // number of the kernel control that was asked for
  uint32_t buffer;   // octets of a filter's buffer
  char name[NAME_BYTES];
  int privileged; // of who opened it
};

struct address {
  int family; // 4 or 6
  uint8_t own[16], other[16], mask[16];
  int has_other;
};

struct interface {
  char name[NAME_BYTES], peer[NAME_BYTES];
  int index; // of Linux; 0: not made there yet
  int flags, mtu, is_tap, is_made;
  uint32_t nd_flags;
  struct address addresses[ADDRESSES_MAX];
  int address_count;
};

struct route {
  int used, family, prefix, flags, index;
  uint32_t mtu;
  uint8_t destination[16], gateway[16];
  int has_gateway;
};

extern struct object objects[OBJECTS_MAX];
extern struct interface interfaces[INTERFACES_MAX];
extern struct route routes[ROUTES_MAX];
extern pthread_mutex_t lock;
extern int privileged;
extern int namespace_fd;

// objects.c
int fail(int number);                      // sets errno, gives -1
int give(int fd, enum kind kind);          // takes a descriptor into the table
struct object *object_of(int fd);
void tell(const char *format, ...);        // a line of the log
int refusal(const char *call, uint64_t code);
int bsd_errno(int linux_errno);
struct interface *interface_of(const char *name);
struct interface *new_interface(const char *name);

// linux.c: all give 0 or an errno of Linux, unless it says otherwise
void enter(void);
void leave(void);
int linux_tun(int fd, const char *name, int is_tap);
int linux_pair(const char *name, const char *peer);
int linux_delete(const char *name);
int linux_index(const char *name);
int linux_mtu(const char *name, int mtu);
int linux_up(const char *name, int up);
void linux_await_running(const char *name);
int linux_mac(const char *name, uint8_t *mac, int set);
int linux_rename(const char *name, const char *to);
int linux_address(int add, int index, int family, const uint8_t *own, const uint8_t *other, int prefix);
int linux_route(int type, const struct route *route);
int linux_frames(const char *name, int ignore_outgoing); // a packet socket's descriptor, or -1

// interface.c
int interface_ioctl(struct object *object, uint64_t request, uint8_t *argument);

// routes.c
int route_write(int fd, const uint8_t *octets, size_t bytes);
void forget(struct interface *interface);
void restore_routes(int index); // of an interface that has come up
void announce_link(const struct interface *interface);
void announce_address(const struct interface *interface, const struct address *address, int is_new);
int list_routes(int what, int argument, uint8_t *to, uint64_t *bytes);

// the system's own part: utun.c and feth.c, or nodes.c
int own_open(const char *path, int flags, int *handled);
int own_socket(int family, int type, int protocol, int *handled);
int own_connect(int fd, struct object *object, const uint8_t *address, int bytes);
int own_bind(int fd, struct object *object, const uint8_t *address, int bytes);
int own_ioctl(int fd, struct object *object, uint64_t request, uint8_t *argument, int *handled);
int own_option(struct object *object, int level, int name, void *value, uint32_t *bytes, int set);
void own_close(struct object *object);
// Octets read, 0: as any descriptor; negative: an error, taken as errno.
int own_read(int fd, struct object *object, uint8_t *to, size_t bytes, int *handled);

static inline uint16_t u16(const uint8_t *at) { uint16_t v; __builtin_memcpy(&v, at, 2); return v; }
static inline uint32_t u32(const uint8_t *at) { uint32_t v; __builtin_memcpy(&v, at, 4); return v; }
static inline uint64_t u64(const uint8_t *at) { uint64_t v; __builtin_memcpy(&v, at, 8); return v; }
static inline void put16(uint8_t *at, uint16_t v) { __builtin_memcpy(at, &v, 2); }
static inline void put32(uint8_t *at, uint32_t v) { __builtin_memcpy(at, &v, 4); }
static inline void put64(uint8_t *at, uint64_t v) { __builtin_memcpy(at, &v, 8); }
