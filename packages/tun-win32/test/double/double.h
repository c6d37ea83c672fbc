// What the parts of the double share. It stands in for Wintun's DLL, for iphlpapi and for the answers of a TAP driver:
// as a DLL under Wine, where it decodes rows with mingw-w64's own structs, and as a shared library on Linux, where it
// decodes with offsets that the suite writes down from the golden tables, and plays kernel32 and advapi32, too.
#ifndef DOUBLE_H
#define DOUBLE_H
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <winsock2.h>
#include <ws2ipdef.h>
#include <windows.h>
#include <iphlpapi.h>
#include <netioapi.h>
#define EXPORT __declspec(dllexport)
// The headers declare these already, with types of their own; the DLL exports them under their names by a .def file.
#define API(name) api_##name
#define OFFSET(S, F) offsetof(S, F)
#define SIZE(S) sizeof(S)
#define OFF_V4 (offsetof(SOCKADDR_IN, sin_addr))
#define OFF_V6 (offsetof(SOCKADDR_IN6, sin6_addr))
#else
#include "golden.h"
#define EXPORT __attribute__((visibility("default")))
#define API(name) name
#define OFFSET(S, F) OFF_##S##_##F
#define SIZE(S) SIZE_##S
#define OFF_V4 OFF_SOCKADDR_IN_sin_addr
#define OFF_V6 OFF_SOCKADDR_IN6_sin6_addr
typedef uint32_t DWORD;
typedef void *HANDLE;
void SetLastError(DWORD error);
HANDLE CreateEventW(void *security, int manual, int state, const void *name);
int SetEvent(HANDLE event);
int CloseHandle(HANDLE handle);
#endif

#define AT(row, S, F) ((unsigned char *)(row) + OFFSET(S, F))
#define U8(row, S, F) (*(uint8_t *)AT(row, S, F))
#define U16(row, S, F) (*(uint16_t *)AT(row, S, F))
#define U32(row, S, F) (*(uint32_t *)AT(row, S, F))
#define U64(row, S, F) (*(uint64_t *)AT(row, S, F))

// winerror.h, under names of our own: one of the two builds has no such header.
enum {
  E_OK = 0,
  E_FILE_NOT_FOUND = 2,
  E_ACCESS_DENIED = 5,
  E_INVALID_HANDLE = 6,
  E_GEN_FAILURE = 31,
  E_HANDLE_EOF = 38,
  E_INVALID_PARAMETER = 87,
  E_BUFFER_OVERFLOW = 111,
  E_ALREADY_EXISTS = 183,
  E_NO_MORE_ITEMS = 259,
  E_OPERATION_ABORTED = 995,
  E_IO_INCOMPLETE = 996,
  E_IO_PENDING = 997,
  E_NOT_FOUND = 1168,
  E_NETWORK_UNREACHABLE = 1231,
  E_ALREADY_INITIALIZED = 1247,
  E_OBJECT_ALREADY_EXISTS = 5010
};
enum { WIN_AF_INET = 2, WIN_AF_INET6 = 23, PACKET_MAX = 0xffff, NAME_UNITS = 128, ADAPTERS_MAX = 64, QUEUE_MAX = 256 };

/** A packet on its way, with its octets behind it. */
struct packet {
  struct packet *next;
  uint32_t bytes;
  int state;
  unsigned char octets[];
};
struct queue {
  struct packet *first, *last;
  uint32_t bytes, count;
};

/** An adapter, of Wintun or TAP. `fd` is the Linux device behind it; -1: the test itself is the other side. */
struct adapter {
  int used, open, session, gone, tap, opener;
  uint64_t luid;
  uint32_t index, capacity;
  uint16_t name[NAME_UNITS];
  unsigned char guid[16];
  int fd, stop[2];
  char device[16];
  pthread_t reader;
  HANDLE event;
  struct queue in, out, allocated;
  uint32_t held, written;
  uint32_t mtu[2], metric[2];
  uint8_t stack[2][168];
};

extern pthread_mutex_t lock;
extern pthread_cond_t changed;
extern struct adapter adapters[ADAPTERS_MAX];
/** The test is the other side of adapters that are made from now on. */
extern int wired;

// record.c
void record(const char *format, ...);
/** The error that the named call shall give now; 0: none. One error is used once. */
uint32_t planned(const char *call);
void violation(const char *what);
extern int outstanding_tables, outstanding_notices;

// linux.c: each gives 0 or a descriptor, or the negative errno
long linux_open_device(char *name, int tap);
long linux_read(int fd, void *to, uint32_t room);
long linux_write(int fd, const void *from, uint32_t bytes);
long linux_pipe(int *ends);
void linux_close(int fd);
/** Blocks until `fd` has something to read; 0 when `stop` has. */
int linux_wait(int fd, int stop);
uint32_t linux_index(const char *name);
long linux_up(const char *name);
long linux_mtu(const char *name, uint32_t mtu);
long linux_address(int add, uint32_t index, const unsigned char *address, int bytes, int prefix);
long linux_route(int add, uint32_t index, const unsigned char *to, int bytes, int prefix, const unsigned char *hop,
                 uint32_t metric);

// ring.c
struct adapter *adapter_of_luid(uint64_t luid);
struct adapter *adapter_new(const uint16_t *name, const unsigned char *guid, int tap, uint64_t luid);
void adapter_free(struct adapter *adapter);
void queue_put(struct queue *queue, struct packet *packet);
struct packet *queue_take(struct queue *queue);
struct packet *packet_new(const void *octets, uint32_t bytes);
/** What came from the other side; called without the lock. */
void adapter_receive(struct adapter *adapter, const void *octets, uint32_t bytes);
void reader_start(struct adapter *adapter);
void reader_stop(struct adapter *adapter);
// network.c
enum notice_kind { NOTICE_LINK, NOTICE_ADDRESS, NOTICE_ROUTE };
void notify(enum notice_kind what);
void network_forget(uint64_t luid);
// kernel32.c, on Linux: a frame came for an overlapped read
void tap_deliver(struct adapter *adapter);
void tap_drained(struct adapter *adapter);
int count_handles(void);
#endif
