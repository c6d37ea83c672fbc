// The parts of kernel32 that the driver calls, on Linux: events, waits by threads of the system, overlapped calls.
#include "double.h"
#include <time.h>

enum { EVENT = 0x45564e54, WAIT_ENTRY = 0x57414954, FILE_OPEN = 0x46494c45 };
enum { WAIT_TIMEOUT_RESULT = 258, STATUS_PENDING = 0x103, OUT_MAX = 8 };
static const uint32_t FOREVER = 0xffffffff, STATUS_CANCELLED = 0xc0000120;
static int handles;

struct event {
  int kind, manual, state;
};
/** OVERLAPPED of minwinbase.h. */
struct overlapped {
  uint64_t status, bytes;
  uint32_t offset[2];
  struct event *event;
};
/** An operation that is under way. */
struct operation {
  struct operation *next;
  struct overlapped *overlapped;
  unsigned char *octets;
  uint32_t room;
};
struct file {
  int kind;
  struct adapter *adapter;
  struct operation *reads, *writes;
};

static __thread uint32_t last_error;
EXPORT uint32_t GetLastError(void) { return last_error; }
EXPORT void SetLastError(uint32_t error) { last_error = error; }
EXPORT void RtlMoveMemory(void *to, const void *from, size_t bytes) { memmove(to, from, bytes); }
extern int registry_keys_open;
int count_handles(void) { return handles + registry_keys_open; }

static void handle_made(int change) {
  pthread_mutex_lock(&lock);
  handles += change;
  pthread_mutex_unlock(&lock);
}

EXPORT void *CreateEventW(void *security, int manual, int state, const void *name) {
  (void)security, (void)name;
  struct event *event = calloc(1, sizeof *event);
  *event = (struct event){EVENT, manual, state};
  // Wintun's own events are not the driver's to close; they are counted all the same, by whoever closes them.
  __atomic_add_fetch(&handles, 1, __ATOMIC_SEQ_CST);
  return event;
}

/** With or without the lock held: a mark that waiters look at under the lock. */
EXPORT int SetEvent(void *handle) {
  struct event *event = handle;
  __atomic_store_n(&event->state, 1, __ATOMIC_SEQ_CST);
  pthread_cond_broadcast(&changed);
  return 1;
}

static int take(struct event *event) {
  if (!__atomic_load_n(&event->state, __ATOMIC_SEQ_CST)) return 0;
  if (!event->manual) __atomic_store_n(&event->state, 0, __ATOMIC_SEQ_CST);
  return 1;
}

/** One turn of a wait; a broadcast without the lock may be missed, so no turn is long. */
static void turn(void) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  at.tv_nsec += 2000000;
  if (at.tv_nsec >= 1000000000) {
    at.tv_sec++;
    at.tv_nsec -= 1000000000;
  }
  pthread_cond_timedwait(&changed, &lock, &at);
}

static uint64_t now_ms(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_nsec / 1000000;
}

EXPORT uint32_t WaitForMultipleObjects(uint32_t count, struct event **events, int all, uint32_t timeout) {
  uint64_t end = now_ms() + timeout;
  uint32_t found = WAIT_TIMEOUT_RESULT;
  (void)all;
  pthread_mutex_lock(&lock);
  for (;;) {
    for (uint32_t i = 0; i < count && found == WAIT_TIMEOUT_RESULT; i++) {
      if (take(events[i])) found = i;
    }
    if (found != WAIT_TIMEOUT_RESULT || (timeout != FOREVER && now_ms() >= end)) break;
    turn();
  }
  pthread_mutex_unlock(&lock);
  return found;
}

EXPORT uint32_t WaitForSingleObject(struct event *event, uint32_t timeout) {
  return WaitForMultipleObjects(1, &event, 0, timeout);
}

/** A registered wait: a thread that waits and calls once. */
struct wait {
  int kind, stop;
  struct event *event;
  void (*call)(void *context, uint8_t timed_out);
  void *context;
  pthread_t thread;
};

static void *wait_and_call(void *argument) {
  struct wait *wait = argument;
  int fired = 0;
  pthread_mutex_lock(&lock);
  while (!wait->stop && !(fired = take(wait->event))) turn();
  pthread_mutex_unlock(&lock);
  if (fired) wait->call(wait->context, 0);
  return NULL;
}

EXPORT int RegisterWaitForSingleObject(struct wait **handle, struct event *event, void *call, void *context,
                                       uint32_t timeout, uint32_t flags) {
  uint32_t error = planned("RegisterWaitForSingleObject");
  (void)timeout, (void)flags;
  if (error) {
    SetLastError(error);
    return 0;
  }
  struct wait *wait = calloc(1, sizeof *wait);
  *wait = (struct wait){WAIT_ENTRY, 0, event, call, context, 0};
  handle_made(1);
  pthread_create(&wait->thread, NULL, wait_and_call, wait);
  *handle = wait;
  return 1;
}

EXPORT int UnregisterWaitEx(struct wait *wait, void *completion) {
  (void)completion;
  pthread_mutex_lock(&lock);
  if (wait->kind != WAIT_ENTRY) violation("UnregisterWaitEx of a wait that is not registered");
  wait->stop = 1;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  pthread_join(wait->thread, NULL);
  free(wait);
  handle_made(-1);
  return 1;
}

// --- files: an adapter of tap-windows6 ---

static struct adapter *tap_of_path(const uint16_t *path) {
  static const char prefix[] = "\\\\.\\double\\";
  for (size_t i = 0; i < sizeof prefix - 1; i++) {
    if (path[i] != (uint8_t)prefix[i]) return NULL;
  }
  // | prefix | number of the adapter in two digits, as its GUID ends | .tap
  const uint16_t *guid = path + sizeof prefix - 1;
  uint64_t number = (uint64_t)(guid[35] - '0') * 10 + (guid[36] - '0');
  for (int i = 0; i < ADAPTERS_MAX; i++) {
    if (adapters[i].used && adapters[i].tap && adapters[i].guid[15] == number) return &adapters[i];
  }
  return NULL;
}

EXPORT void *CreateFileW(const uint16_t *path, uint32_t access, uint32_t share, void *security, uint32_t how,
                         uint32_t flags, void *template) {
  uint32_t error = planned("CreateFileW");
  (void)share, (void)security, (void)template;
  int is_right = access == 0xc0000000 && how == 3 && flags == 0x40000004;
  struct adapter *adapter = is_right ? tap_of_path(path) : NULL;
  if (!error && !adapter) error = E_FILE_NOT_FOUND;
  if (!error && adapter->opener) error = E_GEN_FAILURE;
  SetLastError(error);
  if (error) return (void *)-1;
  struct file *file = calloc(1, sizeof *file);
  file->kind = FILE_OPEN;
  file->adapter = adapter;
  pthread_mutex_lock(&lock);
  adapter->opener = 1;
  adapter->event = (HANDLE)file;
  for (struct packet *each; (each = queue_take(&adapter->in));) free(each);
  for (struct packet *each; (each = queue_take(&adapter->out));) free(each);
  pthread_mutex_unlock(&lock);
  handle_made(1);
  return file;
}

EXPORT int CloseHandle(void *handle) {
  struct file *file = handle;
  if (!handle) violation("CloseHandle of nothing");
  if (file->kind == FILE_OPEN) {
    if (file->reads || file->writes) violation("CloseHandle with operations under way");
    file->adapter->opener = 0;
    file->adapter->event = NULL;
  } else if (file->kind != EVENT) {
    violation("CloseHandle of what is no handle");
  }
  file->kind = 0;
  free(file);
  __atomic_sub_fetch(&handles, 1, __ATOMIC_SEQ_CST);
  return 1;
}

static void end_operation(struct operation **list, uint32_t status, uint32_t bytes) {
  struct operation *operation = *list;
  *list = operation->next;
  operation->overlapped->bytes = bytes;
  operation->overlapped->status = status;
  SetEvent(operation->overlapped->event);
  free(operation);
}

static void begin_operation(struct operation **list, struct overlapped *overlapped, void *octets, uint32_t room) {
  struct operation *operation = calloc(1, sizeof *operation);
  *operation = (struct operation){NULL, overlapped, octets, room};
  overlapped->status = STATUS_PENDING;
  overlapped->event->state = 0;
  while (*list) list = &(*list)->next;
  *list = operation;
}

/** Gives frames that wait to reads that wait. */
static void match(struct file *file) {
  while (file->reads && file->adapter->in.count > 0) {
    struct packet *packet = queue_take(&file->adapter->in);
    uint32_t bytes = packet->bytes < file->reads->room ? packet->bytes : file->reads->room;
    memcpy(file->reads->octets, packet->octets, bytes);
    free(packet);
    end_operation(&file->reads, 0, bytes);
  }
}

void tap_deliver(struct adapter *adapter) {
  pthread_mutex_lock(&lock);
  struct file *file = (struct file *)adapter->event;
  if (file && file->kind == FILE_OPEN) match(file);
  pthread_mutex_unlock(&lock);
}

/** There is room again for a write that waits. */
void tap_drained(struct adapter *adapter) {
  pthread_mutex_lock(&lock);
  struct file *file = (struct file *)adapter->event;
  while (file && file->writes && adapter->out.count < OUT_MAX) {
    queue_put(&adapter->out, packet_new(file->writes->octets, file->writes->room));
    end_operation(&file->writes, 0, file->writes->room);
  }
  pthread_mutex_unlock(&lock);
}

EXPORT int ReadFile(struct file *file, void *octets, uint32_t room, void *count, struct overlapped *overlapped) {
  uint32_t error = planned("ReadFile");
  (void)count;
  SetLastError(error ? error : E_IO_PENDING);
  if (error) return 0;
  pthread_mutex_lock(&lock);
  begin_operation(&file->reads, overlapped, octets, room);
  match(file);
  pthread_mutex_unlock(&lock);
  return 0;
}

EXPORT int WriteFile(struct file *file, void *octets, uint32_t bytes, void *count, struct overlapped *overlapped) {
  struct adapter *adapter = file->adapter;
  uint32_t error = planned("WriteFile");
  (void)count;
  SetLastError(error ? error : E_IO_PENDING);
  if (error) return 0;
  pthread_mutex_lock(&lock);
  begin_operation(&file->writes, overlapped, octets, bytes);
  if (adapter->fd >= 0) {
    linux_write(adapter->fd, octets, bytes);
    end_operation(&file->writes, 0, bytes);
  } else if (adapter->out.count < OUT_MAX) {
    queue_put(&adapter->out, packet_new(octets, bytes));
    end_operation(&file->writes, 0, bytes);
  }
  pthread_mutex_unlock(&lock);
  return 0;
}

EXPORT int GetOverlappedResult(struct file *file, struct overlapped *overlapped, uint32_t *count, int wait) {
  (void)file;
  pthread_mutex_lock(&lock);
  while (wait && overlapped->status == STATUS_PENDING) turn();
  pthread_mutex_unlock(&lock);
  if (overlapped->status == STATUS_PENDING) last_error = E_IO_INCOMPLETE;
  else if (overlapped->status == STATUS_CANCELLED) last_error = E_OPERATION_ABORTED;
  *count = (uint32_t)overlapped->bytes;
  return overlapped->status == 0;
}

EXPORT int CancelIoEx(struct file *file, void *overlapped) {
  (void)overlapped;
  pthread_mutex_lock(&lock);
  while (file->reads) end_operation(&file->reads, STATUS_CANCELLED, 0);
  while (file->writes) end_operation(&file->writes, STATUS_CANCELLED, 0);
  pthread_mutex_unlock(&lock);
  return 1;
}
