// Calls of iphlpapi about routes, neighbours, name servers and changes.
#include "double.h"

enum { ROWS_MAX = 128, NOTICES_MAX = 32 };
struct row {
  int used;
  unsigned char octets[128];
};
static struct row routes[ROWS_MAX], neighbours[ROWS_MAX];

void *network_table(uint32_t count, uint32_t row_bytes);
const unsigned char *network_source(uint64_t luid, uint16_t family);
void network_forget_addresses(uint64_t luid);

static int address_of(const unsigned char *sockaddr, const unsigned char **octets) {
  uint16_t family = *(const uint16_t *)sockaddr;
  *octets = sockaddr + (family == WIN_AF_INET ? OFF_V4 : OFF_V6);
  return family == WIN_AF_INET ? 4 : family == WIN_AF_INET6 ? 16 : 0;
}

static unsigned char prefix_length(const unsigned char *row) {
  return *(AT(row, MIB_IPFORWARD_ROW2, DestinationPrefix) + OFFSET(IP_ADDRESS_PREFIX, PrefixLength));
}

static void record_route(const char *what, const unsigned char *row) {
  const unsigned char *to, *hop;
  char texts[2][40] = {"", ""};
  int bytes = address_of(AT(row, MIB_IPFORWARD_ROW2, DestinationPrefix), &to);
  int hop_bytes = address_of(AT(row, MIB_IPFORWARD_ROW2, NextHop), &hop);
  for (int i = 0; i < bytes; i++) sprintf(texts[0] + i * 2, "%02x", to[i]);
  for (int i = 0; i < hop_bytes; i++) sprintf(texts[1] + i * 2, "%02x", hop[i]);
  record("%s %s/%u by %s metric=%u protocol=%u origin=%u\n", what, texts[0], prefix_length(row), texts[1],
         U32(row, MIB_IPFORWARD_ROW2, Metric), U32(row, MIB_IPFORWARD_ROW2, Protocol),
         U32(row, MIB_IPFORWARD_ROW2, Origin));
}

/** Same interface, destination and next hop. */
static struct row *route_like(const unsigned char *row) {
  size_t from = OFFSET(MIB_IPFORWARD_ROW2, DestinationPrefix);
  size_t bytes = OFFSET(MIB_IPFORWARD_ROW2, NextHop) + 28 - from;
  for (int i = 0; i < ROWS_MAX; i++) {
    unsigned char *other = routes[i].octets;
    int is_there = U64(other, MIB_IPFORWARD_ROW2, InterfaceLuid) == U64(row, MIB_IPFORWARD_ROW2, InterfaceLuid);
    if (routes[i].used && is_there && memcmp(other + from, row + from, bytes) == 0) return &routes[i];
  }
  return NULL;
}

static long route_in_linux(int add, struct adapter *adapter, const unsigned char *row) {
  const unsigned char *to, *hop;
  int bytes = address_of(AT(row, MIB_IPFORWARD_ROW2, DestinationPrefix), &to);
  address_of(AT(row, MIB_IPFORWARD_ROW2, NextHop), &hop);
  if (adapter->fd < 0) return 0;
  return linux_route(add, adapter->index, to, bytes, prefix_length(row), hop, U32(row, MIB_IPFORWARD_ROW2, Metric));
}

EXPORT void API(InitializeIpForwardEntry)(unsigned char *row) { memset(row, 0, SIZE(MIB_IPFORWARD_ROW2)); }

static uint32_t create_route(const unsigned char *row) {
  const unsigned char *octets;
  struct adapter *adapter = adapter_of_luid(U64(row, MIB_IPFORWARD_ROW2, InterfaceLuid));
  record_route("route add", row);
  int bytes = address_of(AT(row, MIB_IPFORWARD_ROW2, DestinationPrefix), &octets);
  int hop_bytes = address_of(AT(row, MIB_IPFORWARD_ROW2, NextHop), &octets);
  if (bytes == 0 || hop_bytes != bytes || prefix_length(row) > bytes * 8) return E_INVALID_PARAMETER;
  if (!adapter) return E_NOT_FOUND;
  if (route_like(row)) return E_OBJECT_ALREADY_EXISTS;
  if (route_in_linux(1, adapter, row) < 0) return E_GEN_FAILURE;
  for (int i = 0; i < ROWS_MAX; i++) {
    if (routes[i].used) continue;
    routes[i].used = 1;
    memcpy(routes[i].octets, row, SIZE(MIB_IPFORWARD_ROW2));
    U32(routes[i].octets, MIB_IPFORWARD_ROW2, InterfaceIndex) = adapter->index;
    return E_OK;
  }
  return E_GEN_FAILURE;
}

EXPORT uint32_t API(CreateIpForwardEntry2)(const unsigned char *row) {
  uint32_t error = planned("CreateIpForwardEntry2");
  pthread_mutex_lock(&lock);
  if (!error) error = create_route(row);
  pthread_mutex_unlock(&lock);
  if (!error) notify(NOTICE_ROUTE);
  return error;
}

EXPORT uint32_t API(DeleteIpForwardEntry2)(const unsigned char *row) {
  pthread_mutex_lock(&lock);
  struct row *found = route_like(row);
  if (found) {
    struct adapter *adapter = adapter_of_luid(U64(row, MIB_IPFORWARD_ROW2, InterfaceLuid));
    record_route("route remove", found->octets);
    if (adapter) route_in_linux(0, adapter, found->octets);
    found->used = 0;
  }
  pthread_mutex_unlock(&lock);
  if (found) notify(NOTICE_ROUTE);
  return found ? E_OK : E_NOT_FOUND;
}

static uint32_t list(struct row *rows, uint32_t bytes, unsigned char **table) {
  uint32_t count = 0;
  pthread_mutex_lock(&lock);
  *table = network_table(ROWS_MAX, bytes);
  for (int i = 0; i < ROWS_MAX; i++) {
    if (rows[i].used) memcpy(*table + 8 + count++ * bytes, rows[i].octets, bytes);
  }
  memcpy(*table, &count, 4);
  pthread_mutex_unlock(&lock);
  return E_OK;
}

EXPORT uint32_t API(GetIpForwardTable2)(uint16_t family, unsigned char **table) {
  (void)family;
  return list(routes, SIZE(MIB_IPFORWARD_ROW2), table);
}

static int covers(const unsigned char *row, const unsigned char *to) {
  const unsigned char *net, *octets;
  int bytes = address_of(AT(row, MIB_IPFORWARD_ROW2, DestinationPrefix), &net);
  if (address_of(to, &octets) != bytes) return 0;
  for (int bit = 0; bit < prefix_length(row); bit++) {
    if (((net[bit / 8] ^ octets[bit / 8]) >> (7 - bit % 8)) & 1) return 0;
  }
  return 1;
}

EXPORT uint32_t API(GetBestRoute2)(const uint64_t *luid, uint32_t index, const void *from, const unsigned char *to,
                              uint32_t options, unsigned char *row, unsigned char *source) {
  unsigned char *best = NULL;
  (void)index, (void)from, (void)options;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < ROWS_MAX; i++) {
    unsigned char *each = routes[i].octets;
    if (!routes[i].used || !covers(each, to)) continue;
    if (luid && U64(each, MIB_IPFORWARD_ROW2, InterfaceLuid) != *luid) continue;
    if (!best || prefix_length(each) > prefix_length(best)) best = each;
  }
  if (best) {
    memcpy(row, best, SIZE(MIB_IPFORWARD_ROW2));
    const unsigned char *found = network_source(U64(best, MIB_IPFORWARD_ROW2, InterfaceLuid), *(const uint16_t *)to);
    if (found) memcpy(source, found, 28);
  }
  pthread_mutex_unlock(&lock);
  return best ? E_OK : E_NETWORK_UNREACHABLE;
}

// --- neighbours ---

static struct row *neighbour_like(const unsigned char *row) {
  const unsigned char *wanted, *found;
  int bytes = address_of(AT(row, MIB_IPNET_ROW2, Address), &wanted);
  for (int i = 0; i < ROWS_MAX; i++) {
    unsigned char *other = neighbours[i].octets;
    if (!neighbours[i].used || U64(other, MIB_IPNET_ROW2, InterfaceLuid) != U64(row, MIB_IPNET_ROW2, InterfaceLuid))
      continue;
    int same = address_of(AT(other, MIB_IPNET_ROW2, Address), &found) == bytes;
    if (same && memcmp(wanted, found, (size_t)bytes) == 0) return &neighbours[i];
  }
  return NULL;
}

EXPORT uint32_t API(CreateIpNetEntry2)(const unsigned char *row) {
  struct adapter *adapter = adapter_of_luid(U64(row, MIB_IPNET_ROW2, InterfaceLuid));
  if (!adapter) return E_NOT_FOUND;
  if (neighbour_like(row)) return E_OBJECT_ALREADY_EXISTS;
  record("neighbour add bytes=%u state=%u\n", U32(row, MIB_IPNET_ROW2, PhysicalAddressLength),
         U32(row, MIB_IPNET_ROW2, State));
  for (int i = 0; i < ROWS_MAX; i++) {
    if (neighbours[i].used) continue;
    neighbours[i].used = 1;
    memcpy(neighbours[i].octets, row, SIZE(MIB_IPNET_ROW2));
    U32(neighbours[i].octets, MIB_IPNET_ROW2, InterfaceIndex) = adapter->index;
    return E_OK;
  }
  return E_GEN_FAILURE;
}

EXPORT uint32_t API(DeleteIpNetEntry2)(const unsigned char *row) {
  struct row *found = neighbour_like(row);
  if (found) found->used = 0;
  return found ? E_OK : E_NOT_FOUND;
}

EXPORT uint32_t API(GetIpNetTable2)(uint16_t family, unsigned char **table) {
  (void)family;
  return list(neighbours, SIZE(MIB_IPNET_ROW2), table);
}

void network_forget(uint64_t luid) {
  network_forget_addresses(luid);
  for (int i = 0; i < ROWS_MAX; i++) {
    if (U64(routes[i].octets, MIB_IPFORWARD_ROW2, InterfaceLuid) == luid) routes[i].used = 0;
    if (U64(neighbours[i].octets, MIB_IPNET_ROW2, InterfaceLuid) == luid) neighbours[i].used = 0;
  }
}

// --- name servers: DNS_INTERFACE_SETTINGS of the Windows SDK, which mingw-w64 does not have ---

static uint32_t set_dns(const unsigned char *guid, const unsigned char *settings) {
  char texts[2][256];
  const uint16_t *from[2] = {*(const uint16_t *const *)(settings + 24), *(const uint16_t *const *)(settings + 32)};
  for (int i = 0; i < 2; i++) {
    int at = 0;
    for (; at < 255 && from[i][at]; at++) texts[i][at] = (char)from[i][at];
    texts[i][at] = 0;
  }
  char hex[40] = "";
  for (int i = 0; i < 16; i++) sprintf(hex + i * 2, "%02x", guid[i]);
  record("dns guid=%s version=%u flags=%u servers=%s search=%s\n", hex, *(const uint32_t *)settings,
         (uint32_t)*(const uint64_t *)(settings + 8), texts[0], texts[1]);
  return planned("SetInterfaceDnsSettings");
}

#ifdef GUID_IN_REGISTERS
// The arm64 convention of Windows passes a GUID in two registers, as the System V convention of x86-64 does.
struct guid {
  uint64_t halves[2];
};
EXPORT uint32_t SetInterfaceDnsSettings(struct guid guid, const unsigned char *settings) {
  return set_dns((const unsigned char *)&guid, settings);
}
#else
EXPORT uint32_t SetInterfaceDnsSettings(const unsigned char *guid, const unsigned char *settings) {
  return set_dns(guid, settings);
}
#endif

EXPORT int DnsFlushResolverCache(void) {
  record("dns flush\n");
  return 1;
}

// --- changes, told by a thread of the system ---

struct notice {
  int used;
  enum notice_kind what;
  void (*call)(void *context, void *row, int type);
  void *context;
};
static struct notice notices[NOTICES_MAX];

static void *tell(void *argument) {
  static unsigned char row[168];
  struct notice *notice = argument;
  notice->call(notice->context, row, 0);
  return NULL;
}

/** Comes back when everybody was told, so that whoever cancels is told no more. */
void notify(enum notice_kind what) {
  for (int i = 0; i < NOTICES_MAX; i++) {
    pthread_t thread;
    if (!notices[i].used || notices[i].what != what) continue;
    pthread_create(&thread, NULL, tell, &notices[i]);
    pthread_join(thread, NULL);
  }
}

static uint32_t listen_for(enum notice_kind what, void *call, void *context, void **handle) {
  for (int i = 0; i < NOTICES_MAX; i++) {
    if (notices[i].used) continue;
    notices[i] = (struct notice){1, what, call, context};
    outstanding_notices++;
    *handle = &notices[i];
    return E_OK;
  }
  return E_GEN_FAILURE;
}

EXPORT uint32_t API(NotifyIpInterfaceChange)(uint16_t family, void *call, void *context, uint8_t initial,
                                             void **handle) {
  (void)family, (void)initial;
  return listen_for(NOTICE_LINK, call, context, handle);
}

EXPORT uint32_t API(NotifyUnicastIpAddressChange)(uint16_t family, void *call, void *context, uint8_t initial,
                                             void **handle) {
  (void)family, (void)initial;
  return listen_for(NOTICE_ADDRESS, call, context, handle);
}

EXPORT uint32_t API(NotifyRouteChange2)(uint16_t family, void *call, void *context, uint8_t initial, void **handle) {
  uint32_t error = planned("NotifyRouteChange2");
  (void)family, (void)initial;
  return error ? error : listen_for(NOTICE_ROUTE, call, context, handle);
}

EXPORT uint32_t API(CancelMibChangeNotify2)(struct notice *notice) {
  if (!notice->used) violation("CancelMibChangeNotify2 of what is not registered");
  notice->used = 0;
  outstanding_notices--;
  return E_OK;
}
