// Calls of iphlpapi about addresses, stacks and interfaces. Rows are decoded by the system's own layouts, what they say
// is written to the record, refused as Windows would, and done to the Linux device behind the adapter.
#include "double.h"

enum { ADDRESSES_MAX = 128, MTU_V4_MIN = 68, MTU_V6_MIN = 1280, SITE_PREFIX_STALE = 64, IFROW_NAME_UNITS = 257 };
enum { TYPE_PROP_VIRTUAL = 53, TYPE_ETHERNET = 6, STATUS_UP = 1, STATUS_DOWN = 2, LUID_TYPE_SHIFT = 48 };

struct address {
  int used;
  unsigned char row[80];
};
static struct address addresses[ADDRESSES_MAX];

/** The table goes to its owner, who gives it back by FreeMibTable. */
static void *table_new(uint32_t count, uint32_t row_bytes) {
  unsigned char *table = calloc(1, 8 + (size_t)count * row_bytes + 1);
  memcpy(table, &count, 4);
  outstanding_tables++;
  return table;
}

void *network_table(uint32_t count, uint32_t row_bytes) { return table_new(count, row_bytes); }

EXPORT void API(FreeMibTable)(void *table) {
  outstanding_tables--;
  free(table);
}

static int octets_of(const unsigned char *sockaddr, const unsigned char **octets) {
  uint16_t family = *(const uint16_t *)sockaddr;
  *octets = sockaddr + (family == WIN_AF_INET ? OFF_V4 : OFF_V6);
  return family == WIN_AF_INET ? 4 : family == WIN_AF_INET6 ? 16 : 0;
}

static void write_octets(char *text, const unsigned char *octets, int bytes) {
  for (int i = 0; i < bytes; i++) sprintf(text + i * 2, "%02x", octets[i]);
}

static uint64_t luid_in(const unsigned char *row) { return U64(row, MIB_UNICASTIPADDRESS_ROW, InterfaceLuid); }

static struct address *address_like(const unsigned char *row) {
  const unsigned char *wanted, *found;
  int bytes = octets_of(AT(row, MIB_UNICASTIPADDRESS_ROW, Address), &wanted);
  for (int i = 0; i < ADDRESSES_MAX; i++) {
    if (!addresses[i].used || luid_in(addresses[i].row) != luid_in(row)) continue;
    int other = octets_of(AT(addresses[i].row, MIB_UNICASTIPADDRESS_ROW, Address), &found);
    if (other == bytes && memcmp(wanted, found, (size_t)bytes) == 0) return &addresses[i];
  }
  return NULL;
}

static void record_address(const char *what, const unsigned char *row) {
  const unsigned char *octets;
  char text[40] = "";
  int bytes = octets_of(AT(row, MIB_UNICASTIPADDRESS_ROW, Address), &octets);
  write_octets(text, octets, bytes);
  record("%s %s/%u dad=%u origin=%u/%u valid=%x preferred=%x\n", what, text,
         U8(row, MIB_UNICASTIPADDRESS_ROW, OnLinkPrefixLength), U32(row, MIB_UNICASTIPADDRESS_ROW, DadState),
         U32(row, MIB_UNICASTIPADDRESS_ROW, PrefixOrigin), U32(row, MIB_UNICASTIPADDRESS_ROW, SuffixOrigin),
         U32(row, MIB_UNICASTIPADDRESS_ROW, ValidLifetime), U32(row, MIB_UNICASTIPADDRESS_ROW, PreferredLifetime));
}

EXPORT void API(InitializeUnicastIpAddressEntry)(unsigned char *row) { memset(row, 0, SIZE(MIB_UNICASTIPADDRESS_ROW)); }

static uint32_t create_address(unsigned char *row) {
  const unsigned char *octets;
  int bytes = octets_of(AT(row, MIB_UNICASTIPADDRESS_ROW, Address), &octets);
  uint8_t prefix = U8(row, MIB_UNICASTIPADDRESS_ROW, OnLinkPrefixLength);
  struct adapter *adapter = adapter_of_luid(luid_in(row));
  record_address("address add", row);
  if (bytes == 0 || prefix > bytes * 8) return E_INVALID_PARAMETER;
  if (!adapter) return E_NOT_FOUND;
  if (address_like(row)) return E_OBJECT_ALREADY_EXISTS;
  if (adapter->fd >= 0 && linux_address(1, adapter->index, octets, bytes, prefix) < 0) return E_GEN_FAILURE;
  for (int i = 0; i < ADDRESSES_MAX; i++) {
    if (addresses[i].used) continue;
    addresses[i].used = 1;
    memcpy(addresses[i].row, row, SIZE(MIB_UNICASTIPADDRESS_ROW));
    U32(addresses[i].row, MIB_UNICASTIPADDRESS_ROW, InterfaceIndex) = adapter->index;
    return E_OK;
  }
  return E_GEN_FAILURE;
}

EXPORT uint32_t API(CreateUnicastIpAddressEntry)(unsigned char *row) {
  uint32_t error = planned("CreateUnicastIpAddressEntry");
  pthread_mutex_lock(&lock);
  if (!error) error = create_address(row);
  pthread_mutex_unlock(&lock);
  if (!error) notify(NOTICE_ADDRESS);
  return error;
}

EXPORT uint32_t API(DeleteUnicastIpAddressEntry)(unsigned char *row) {
  const unsigned char *octets;
  pthread_mutex_lock(&lock);
  struct address *found = address_like(row);
  struct adapter *adapter = adapter_of_luid(luid_in(row));
  if (found) {
    int bytes = octets_of(AT(found->row, MIB_UNICASTIPADDRESS_ROW, Address), &octets);
    uint8_t prefix = U8(found->row, MIB_UNICASTIPADDRESS_ROW, OnLinkPrefixLength);
    record_address("address remove", found->row);
    if (adapter && adapter->fd >= 0) linux_address(0, adapter->index, octets, bytes, prefix);
    found->used = 0;
  }
  pthread_mutex_unlock(&lock);
  if (found) notify(NOTICE_ADDRESS);
  return found ? E_OK : E_NOT_FOUND;
}

EXPORT uint32_t API(GetUnicastIpAddressTable)(uint16_t family, unsigned char **table) {
  uint32_t count = 0;
  pthread_mutex_lock(&lock);
  *table = table_new(ADDRESSES_MAX, SIZE(MIB_UNICASTIPADDRESS_ROW));
  for (int i = 0; i < ADDRESSES_MAX; i++) {
    unsigned char *row = addresses[i].row;
    if (!addresses[i].used || (family != 0 && *(uint16_t *)row != family)) continue;
    memcpy(*table + 8 + count++ * SIZE(MIB_UNICASTIPADDRESS_ROW), row, SIZE(MIB_UNICASTIPADDRESS_ROW));
  }
  memcpy(*table, &count, 4);
  pthread_mutex_unlock(&lock);
  return E_OK;
}

/** The first address of an adapter, for answers about routes; NULL: it has none of the family. */
const unsigned char *network_source(uint64_t luid, uint16_t family) {
  for (int i = 0; i < ADDRESSES_MAX; i++) {
    unsigned char *row = addresses[i].row;
    if (addresses[i].used && luid_in(row) == luid && *(uint16_t *)row == family) return row;
  }
  return NULL;
}

void network_forget_addresses(uint64_t luid) {
  for (int i = 0; i < ADDRESSES_MAX; i++) {
    if (addresses[i].used && luid_in(addresses[i].row) == luid) addresses[i].used = 0;
  }
}

// --- the two stacks of an interface ---

EXPORT void API(InitializeIpInterfaceEntry)(unsigned char *row) { memset(row, 0, SIZE(MIB_IPINTERFACE_ROW)); }

static struct adapter *stack_of(unsigned char *row, int *which) {
  uint16_t family = U16(row, MIB_IPINTERFACE_ROW, Family);
  *which = family == WIN_AF_INET6;
  if (family != WIN_AF_INET && family != WIN_AF_INET6) return NULL;
  return adapter_of_luid(U64(row, MIB_IPINTERFACE_ROW, InterfaceLuid));
}

EXPORT uint32_t API(GetIpInterfaceEntry)(unsigned char *row) {
  int which;
  uint32_t error = planned("GetIpInterfaceEntry");
  pthread_mutex_lock(&lock);
  struct adapter *adapter = stack_of(row, &which);
  if (adapter && !error) {
    unsigned char key[16];
    memcpy(key, row, 16);
    memcpy(row, adapter->stack[which], SIZE(MIB_IPINTERFACE_ROW));
    memcpy(row, key, 16);
    U32(row, MIB_IPINTERFACE_ROW, InterfaceIndex) = adapter->index;
    U32(row, MIB_IPINTERFACE_ROW, NlMtu) = adapter->mtu[which];
    U32(row, MIB_IPINTERFACE_ROW, Metric) = adapter->metric[which];
    // As Windows has it: more than a Set of IPv4 takes.
    U32(row, MIB_IPINTERFACE_ROW, SitePrefixLength) = SITE_PREFIX_STALE;
  }
  pthread_mutex_unlock(&lock);
  return error ? error : adapter ? E_OK : E_NOT_FOUND;
}

static uint32_t set_stack(unsigned char *row) {
  int which;
  struct adapter *adapter = stack_of(row, &which);
  if (!adapter) return E_NOT_FOUND;
  uint32_t mtu = U32(row, MIB_IPINTERFACE_ROW, NlMtu), site = U32(row, MIB_IPINTERFACE_ROW, SitePrefixLength);
  record("stack IPv%d mtu=%u metric=%u/%u dad=%u discovery=%u linklocal=%u site=%u forwarding=%u\n", which ? 6 : 4, mtu,
         U32(row, MIB_IPINTERFACE_ROW, Metric), U8(row, MIB_IPINTERFACE_ROW, UseAutomaticMetric),
         U32(row, MIB_IPINTERFACE_ROW, DadTransmits), U32(row, MIB_IPINTERFACE_ROW, RouterDiscoveryBehavior),
         U32(row, MIB_IPINTERFACE_ROW, LinkLocalAddressBehavior), site,
         U8(row, MIB_IPINTERFACE_ROW, ForwardingEnabled));
  if (!which && site > 32) return E_INVALID_PARAMETER;
  if (mtu < (uint32_t)(which ? MTU_V6_MIN : MTU_V4_MIN)) return E_INVALID_PARAMETER;
  if (adapter->fd >= 0) linux_mtu(adapter->device, mtu);
  adapter->mtu[which] = mtu;
  adapter->metric[which] = U32(row, MIB_IPINTERFACE_ROW, Metric);
  memcpy(adapter->stack[which], row, SIZE(MIB_IPINTERFACE_ROW));
  return E_OK;
}

EXPORT uint32_t API(SetIpInterfaceEntry)(unsigned char *row) {
  uint32_t error = planned("SetIpInterfaceEntry");
  pthread_mutex_lock(&lock);
  if (!error) error = set_stack(row);
  pthread_mutex_unlock(&lock);
  if (!error) notify(NOTICE_LINK);
  return error;
}

// --- interfaces and their names ---

static void fill_interface(unsigned char *row, struct adapter *adapter) {
  memset(row, 0, SIZE(MIB_IF_ROW2));
  U64(row, MIB_IF_ROW2, InterfaceLuid) = adapter->luid;
  U32(row, MIB_IF_ROW2, InterfaceIndex) = adapter->index;
  memcpy(AT(row, MIB_IF_ROW2, InterfaceGuid), adapter->guid, 16);
  memcpy(AT(row, MIB_IF_ROW2, Alias), adapter->name, sizeof adapter->name);
  memcpy(AT(row, MIB_IF_ROW2, Description), adapter->name, sizeof adapter->name);
  U32(row, MIB_IF_ROW2, Mtu) = PACKET_MAX;
  U32(row, MIB_IF_ROW2, Type) = (uint32_t)(adapter->luid >> LUID_TYPE_SHIFT);
  U32(row, MIB_IF_ROW2, OperStatus) = adapter->session ? STATUS_UP : STATUS_DOWN;
  U32(row, MIB_IF_ROW2, AdminStatus) = STATUS_UP;
}

EXPORT uint32_t API(GetIfTable2)(unsigned char **table) {
  uint32_t count = 0;
  pthread_mutex_lock(&lock);
  *table = table_new(ADAPTERS_MAX, SIZE(MIB_IF_ROW2));
  for (int i = 0; i < ADAPTERS_MAX; i++) {
    if (adapters[i].used) fill_interface(*table + 8 + count++ * SIZE(MIB_IF_ROW2), &adapters[i]);
  }
  memcpy(*table, &count, 4);
  pthread_mutex_unlock(&lock);
  return E_OK;
}

EXPORT uint32_t API(GetIfEntry2)(unsigned char *row) {
  pthread_mutex_lock(&lock);
  struct adapter *adapter = adapter_of_luid(U64(row, MIB_IF_ROW2, InterfaceLuid));
  if (adapter) fill_interface(row, adapter);
  pthread_mutex_unlock(&lock);
  return adapter ? E_OK : E_FILE_NOT_FOUND;
}

EXPORT uint32_t API(ConvertInterfaceLuidToIndex)(const uint64_t *luid, uint32_t *index) {
  struct adapter *adapter = adapter_of_luid(*luid);
  *index = adapter ? adapter->index : 0;
  return adapter ? E_OK : E_FILE_NOT_FOUND;
}

EXPORT uint32_t API(ConvertInterfaceIndexToLuid)(uint32_t index, uint64_t *luid) {
  for (int i = 0; i < ADAPTERS_MAX; i++) {
    if (!adapters[i].used || adapters[i].index != index) continue;
    *luid = adapters[i].luid;
    return E_OK;
  }
  return E_FILE_NOT_FOUND;
}

EXPORT uint32_t API(ConvertInterfaceLuidToGuid)(const uint64_t *luid, unsigned char *guid) {
  struct adapter *adapter = adapter_of_luid(*luid);
  if (adapter) memcpy(guid, adapter->guid, 16);
  return adapter ? E_OK : E_INVALID_PARAMETER;
}

EXPORT uint32_t API(ConvertInterfaceLuidToAlias)(const uint64_t *luid, uint16_t *alias, size_t units) {
  struct adapter *adapter = adapter_of_luid(*luid);
  if (!adapter || units < IFROW_NAME_UNITS) return E_INVALID_PARAMETER;
  memcpy(alias, adapter->name, sizeof adapter->name);
  return E_OK;
}

EXPORT uint32_t API(ConvertInterfaceAliasToLuid)(const uint16_t *alias, uint64_t *luid) {
  for (int i = 0; i < ADAPTERS_MAX; i++) {
    int same = 0;
    if (!adapters[i].used) continue;
    while (same < NAME_UNITS && adapters[i].name[same] == alias[same] && alias[same] != 0) same++;
    if (adapters[i].name[same] != alias[same]) continue;
    *luid = adapters[i].luid;
    return E_OK;
  }
  return E_INVALID_PARAMETER;
}
