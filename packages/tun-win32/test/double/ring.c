// Wintun's 14 functions, with its limits and errors (api/wintun.h and its documentation), and the adapters behind them.
#include "double.h"

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
struct adapter adapters[ADAPTERS_MAX];
int wired;
static uint32_t adapters_made;
static int driver_loaded;
static void (*logger)(int level, uint64_t ticks, const uint16_t *line);

enum { ALLOCATED = 1, SENT = 2, HELD = 3, RECORD_BYTES = 8, TYPE_VIRTUAL = 53, INDEX_FIRST = 4100 };
enum { CAPACITY_MIN = 0x20000, CAPACITY_MAX = 0x4000000 };

void queue_put(struct queue *queue, struct packet *packet) {
  packet->next = NULL;
  if (queue->last) queue->last->next = packet;
  else queue->first = packet;
  queue->last = packet;
  queue->bytes += packet->bytes + RECORD_BYTES;
  queue->count++;
}

struct packet *queue_take(struct queue *queue) {
  struct packet *packet = queue->first;
  if (!packet) return NULL;
  queue->first = packet->next;
  if (!queue->first) queue->last = NULL;
  queue->bytes -= packet->bytes + RECORD_BYTES;
  queue->count--;
  return packet;
}

struct packet *packet_new(const void *octets, uint32_t bytes) {
  struct packet *packet = calloc(1, sizeof *packet + bytes + 1);
  packet->bytes = bytes;
  if (octets) memcpy(packet->octets, octets, bytes);
  return packet;
}

struct adapter *adapter_of_luid(uint64_t luid) {
  for (int i = 0; i < ADAPTERS_MAX; i++) {
    if (adapters[i].used && adapters[i].luid == luid) return &adapters[i];
  }
  return NULL;
}

static int is_name(const uint16_t *a, const uint16_t *b) {
  for (int i = 0; i < NAME_UNITS; i++) {
    if (a[i] != b[i]) return 0;
    if (a[i] == 0) return 1;
  }
  return 1;
}

static struct adapter *adapter_named(const uint16_t *name) {
  for (int i = 0; i < ADAPTERS_MAX; i++) {
    if (adapters[i].used && !adapters[i].tap && is_name(adapters[i].name, name)) return &adapters[i];
  }
  return NULL;
}

/** A new one with its Linux device, unless the test is the other side. Call it with the lock held. */
struct adapter *adapter_new(const uint16_t *name, const unsigned char *guid, int tap, uint64_t luid) {
  struct adapter *adapter = NULL;
  for (int i = 0; i < ADAPTERS_MAX && !adapter; i++) adapter = adapters[i].used ? NULL : &adapters[i];
  if (!adapter) return NULL;
  memset(adapter, 0, sizeof *adapter);
  adapter->tap = tap;
  adapter->fd = -1;
  for (int i = 0; i < NAME_UNITS - 1 && name[i] != 0; i++) adapter->name[i] = name[i];
  if (guid) memcpy(adapter->guid, guid, 16);
  adapters_made++;
  adapter->luid = luid ? luid : ((uint64_t)TYPE_VIRTUAL << 48) | ((uint64_t)adapters_made << 24);
  adapter->index = INDEX_FIRST + adapters_made;
  adapter->mtu[0] = adapter->mtu[1] = PACKET_MAX;
  if (!wired) {
    long fd = linux_open_device(adapter->device, tap);
    if (fd < 0) return NULL;
    adapter->fd = (int)fd;
    adapter->index = linux_index(adapter->device);
  }
  adapter->used = 1;
  return adapter;
}

void adapter_free(struct adapter *adapter) {
  network_forget(adapter->luid);
  if (adapter->fd >= 0) linux_close(adapter->fd);
  for (struct packet *each; (each = queue_take(&adapter->in));) free(each);
  for (struct packet *each; (each = queue_take(&adapter->out));) free(each);
  adapter->used = 0;
}

void adapter_receive(struct adapter *adapter, const void *octets, uint32_t bytes) {
  pthread_mutex_lock(&lock);
  int has_room = adapter->tap ? adapter->in.count < QUEUE_MAX : adapter->in.bytes + bytes + 8 <= adapter->capacity;
  if (has_room) queue_put(&adapter->in, packet_new(octets, bytes));
  if (adapter->event && !adapter->tap) SetEvent(adapter->event);
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  if (adapter->tap) tap_deliver(adapter);
}

static void *read_device(void *argument) {
  struct adapter *adapter = argument;
  unsigned char packet[PACKET_MAX];
  while (linux_wait(adapter->fd, adapter->stop[0])) {
    long bytes = linux_read(adapter->fd, packet, sizeof packet);
    if (bytes > 0) adapter_receive(adapter, packet, (uint32_t)bytes);
  }
  return NULL;
}

void reader_start(struct adapter *adapter) {
  if (adapter->fd < 0) return;
  linux_pipe(adapter->stop);
  linux_up(adapter->device);
  pthread_create(&adapter->reader, NULL, read_device, adapter);
}

void reader_stop(struct adapter *adapter) {
  if (adapter->fd < 0) return;
  linux_write(adapter->stop[1], "x", 1);
  pthread_join(adapter->reader, NULL);
  linux_close(adapter->stop[0]);
  linux_close(adapter->stop[1]);
}

/** A line of the driver's log, from a thread of its own as the driver's come. */
static void *log_line(void *argument) {
  static const uint16_t line[] = {'h', 'i', 0};
  (void)argument;
  // 2026-01-02T03:04:05Z in ticks of 100 ns since 1601.
  if (logger) logger(1, 134117966450000000ull, line);
  return NULL;
}

EXPORT void *WintunCreateAdapter(const uint16_t *name, const uint16_t *type, const unsigned char *guid) {
  uint32_t error = planned("WintunCreateAdapter");
  struct adapter *adapter = NULL;
  pthread_mutex_lock(&lock);
  if (!error && adapter_named(name)) error = E_ALREADY_EXISTS;
  if (!error) {
    adapter = adapter_new(name, guid, 0, 0);
    if (!adapter) error = E_ACCESS_DENIED;
  }
  if (adapter) {
    adapter->open = 1;
    driver_loaded = 1;
    char kind[NAME_UNITS];
    int i = 0;
    for (; i < NAME_UNITS - 1 && type[i]; i++) kind[i] = (char)type[i];
    kind[i] = 0;
    record("create type=%s guid=%d\n", kind, guid != NULL);
  }
  pthread_mutex_unlock(&lock);
  if (logger) {
    pthread_t thread;
    pthread_create(&thread, NULL, log_line, NULL);
    pthread_join(thread, NULL);
  }
  if (adapter) notify(NOTICE_LINK);
  SetLastError(error);
  return adapter;
}

EXPORT void *WintunOpenAdapter(const uint16_t *name) {
  uint32_t error = planned("WintunOpenAdapter");
  pthread_mutex_lock(&lock);
  struct adapter *adapter = error ? NULL : adapter_named(name);
  if (adapter) adapter->open++;
  pthread_mutex_unlock(&lock);
  SetLastError(error ? error : adapter ? E_OK : E_NOT_FOUND);
  return adapter;
}

EXPORT void WintunCloseAdapter(struct adapter *adapter) {
  pthread_mutex_lock(&lock);
  if (!adapter->used || adapter->open == 0) violation("WintunCloseAdapter of a closed adapter");
  if (adapter->session && adapter->open == 1) violation("WintunCloseAdapter with a session");
  if (--adapter->open == 0) adapter_free(adapter);
  pthread_mutex_unlock(&lock);
  notify(NOTICE_LINK);
}

EXPORT int WintunDeleteDriver(void) {
  uint32_t error = planned("WintunDeleteDriver");
  record("delete driver\n");
  driver_loaded = 0;
  SetLastError(error);
  return error == 0;
}

EXPORT void WintunGetAdapterLUID(struct adapter *adapter, uint64_t *luid) { *luid = adapter->luid; }

EXPORT uint32_t WintunGetRunningDriverVersion(void) {
  SetLastError(driver_loaded ? E_OK : E_FILE_NOT_FOUND);
  return driver_loaded ? 14 : 0;
}

EXPORT void WintunSetLogger(void (*callback)(int, uint64_t, const uint16_t *)) { logger = callback; }

EXPORT void *WintunStartSession(struct adapter *adapter, uint32_t capacity) {
  uint32_t error = planned("WintunStartSession");
  int is_size = capacity >= CAPACITY_MIN && capacity <= CAPACITY_MAX && (capacity & (capacity - 1)) == 0;
  if (!error && !is_size) error = E_INVALID_PARAMETER;
  if (!error && adapter->session) error = E_ALREADY_INITIALIZED;
  if (!error) {
    adapter->capacity = capacity;
    adapter->session = 1;
    adapter->event = CreateEventW(NULL, 0, 0, NULL);
    reader_start(adapter);
  }
  SetLastError(error);
  return error ? NULL : adapter;
}

EXPORT void WintunEndSession(struct adapter *adapter) {
  if (!adapter->session) violation("WintunEndSession without a session");
  if (adapter->held) violation("WintunEndSession with a packet that was not released");
  if (adapter->allocated.count) violation("WintunEndSession with an allocated packet that was not sent");
  reader_stop(adapter);
  pthread_mutex_lock(&lock);
  CloseHandle(adapter->event);
  adapter->event = NULL;
  adapter->session = 0;
  pthread_mutex_unlock(&lock);
}

EXPORT HANDLE WintunGetReadWaitEvent(struct adapter *adapter) { return adapter->event; }

EXPORT unsigned char *WintunReceivePacket(struct adapter *adapter, uint32_t *bytes) {
  uint32_t error = planned("WintunReceivePacket");
  pthread_mutex_lock(&lock);
  if (!adapter->session) violation("WintunReceivePacket without a session");
  if (!error && adapter->gone) error = E_HANDLE_EOF;
  struct packet *packet = error ? NULL : queue_take(&adapter->in);
  if (packet) {
    packet->state = HELD;
    adapter->held++;
    *bytes = packet->bytes;
  }
  pthread_mutex_unlock(&lock);
  SetLastError(error ? error : packet ? E_OK : E_NO_MORE_ITEMS);
  return packet ? packet->octets : NULL;
}

EXPORT void WintunReleaseReceivePacket(struct adapter *adapter, unsigned char *octets) {
  struct packet *packet = (struct packet *)(octets - offsetof(struct packet, octets));
  pthread_mutex_lock(&lock);
  if (packet->state != HELD) violation("WintunReleaseReceivePacket of a packet that is not held");
  else adapter->held--;
  // What is read after it was released is seen to be wrong.
  memset(packet->octets, 0xee, packet->bytes);
  free(packet);
  pthread_mutex_unlock(&lock);
}

EXPORT unsigned char *WintunAllocateSendPacket(struct adapter *adapter, uint32_t bytes) {
  uint32_t error = planned("WintunAllocateSendPacket");
  struct packet *packet = NULL;
  pthread_mutex_lock(&lock);
  if (!error && adapter->gone) error = E_HANDLE_EOF;
  if (!error && bytes > PACKET_MAX) error = E_INVALID_PARAMETER;
  uint32_t used = adapter->out.bytes + adapter->allocated.bytes;
  if (!error && used + bytes + RECORD_BYTES > adapter->capacity) error = E_BUFFER_OVERFLOW;
  if (!error) {
    packet = packet_new(NULL, bytes);
    packet->state = ALLOCATED;
    queue_put(&adapter->allocated, packet);
  }
  pthread_mutex_unlock(&lock);
  SetLastError(error);
  return packet ? packet->octets : NULL;
}

/** Packets leave in the order in which they were allocated. */
EXPORT void WintunSendPacket(struct adapter *adapter, unsigned char *octets) {
  struct packet *packet = (struct packet *)(octets - offsetof(struct packet, octets));
  pthread_mutex_lock(&lock);
  if (packet->state != ALLOCATED) violation("WintunSendPacket of a packet that was not allocated");
  packet->state = SENT;
  while (adapter->allocated.first && adapter->allocated.first->state == SENT) {
    struct packet *first = queue_take(&adapter->allocated);
    adapter->written++;
    if (adapter->fd < 0) {
      queue_put(&adapter->out, first);
      continue;
    }
    linux_write(adapter->fd, first->octets, first->bytes);
    free(first);
  }
  pthread_mutex_unlock(&lock);
}

/** The other side of an adapter without a Linux device: a packet for it to read. */
EXPORT void double_inject(uint64_t luid, const void *octets, uint32_t bytes) {
  struct adapter *adapter = adapter_of_luid(luid);
  if (adapter) adapter_receive(adapter, octets, bytes);
}

/** The next packet that it wrote; -1: there is none. */
EXPORT int32_t double_take(uint64_t luid, void *to, uint32_t room) {
  int32_t bytes = -1;
  pthread_mutex_lock(&lock);
  struct adapter *adapter = adapter_of_luid(luid);
  struct packet *packet = adapter ? queue_take(&adapter->out) : NULL;
  if (packet) {
    bytes = (int32_t)(packet->bytes < room ? packet->bytes : room);
    memcpy(to, packet->octets, (size_t)bytes);
    free(packet);
  }
  pthread_mutex_unlock(&lock);
  if (packet && adapter->tap) tap_drained(adapter);
  return bytes;
}

/** An adapter that a killed process left. */
EXPORT void double_orphan(const uint16_t *name) {
  pthread_mutex_lock(&lock);
  adapter_new(name, NULL, 0, 0);
  pthread_mutex_unlock(&lock);
}

/** Packets that were written since it was made. */
EXPORT uint32_t double_written(uint64_t luid) {
  struct adapter *adapter = adapter_of_luid(luid);
  return adapter ? adapter->written : 0;
}

/** Somebody removes the adapter while it is open. */
EXPORT void double_remove(uint64_t luid) {
  pthread_mutex_lock(&lock);
  struct adapter *adapter = adapter_of_luid(luid);
  if (adapter) adapter->gone = 1;
  if (adapter && adapter->event) SetEvent(adapter->event);
  pthread_mutex_unlock(&lock);
}
