// The answers of tap-windows6's driver (tap-windows.h), and adapters for tests to open.
#include "double.h"

#ifdef _WIN32
// Windows itself, or Wine, has the handles and the overlapped calls.
void tap_deliver(struct adapter *adapter) { (void)adapter; }
void tap_drained(struct adapter *adapter) { (void)adapter; }
int count_handles(void) { return 0; }
#endif

enum { GET_MAC = 0x220004, GET_VERSION = 0x220008, GET_MTU = 0x22000c, SET_MEDIA = 0x220018, CONFIG_TUN = 0x220028 };
enum { TYPE_ETHERNET = 6, INDEX_FIRST = 700 };
static const unsigned char MAC[6] = {0x02, 0xff, 0x00, 0x00, 0x00, 0x01};

/** An adapter with that number in its GUID, NetLuidIndex 700 + number; gives its LUID. */
EXPORT uint64_t double_tap(uint32_t number, const uint16_t *name) {
  unsigned char guid[16] = {0};
  guid[15] = (unsigned char)number;
  pthread_mutex_lock(&lock);
  uint64_t luid = ((uint64_t)TYPE_ETHERNET << 48) | ((uint64_t)(INDEX_FIRST + number) << 24);
  struct adapter *adapter = adapter_new(name, guid, 1, luid);
  pthread_mutex_unlock(&lock);
  if (adapter) reader_start(adapter);
  return adapter ? luid : 0;
}

EXPORT void double_tap_remove(uint64_t luid) {
  struct adapter *adapter = adapter_of_luid(luid);
  if (!adapter) return;
  reader_stop(adapter);
  pthread_mutex_lock(&lock);
  adapter_free(adapter);
  pthread_mutex_unlock(&lock);
}

EXPORT int API(DeviceIoControl)(HANDLE file, uint32_t request, const unsigned char *in, uint32_t in_bytes,
                           unsigned char *out, uint32_t out_bytes, uint32_t *count, void *overlapped) {
  static const uint32_t version[3] = {9, 24, 0};
  static const uint32_t mtu = 1500;
  uint32_t error = planned("DeviceIoControl");
  (void)overlapped;
  *count = 0;
  if (!error && request == GET_MAC && out_bytes >= 6) memcpy(out, MAC, *count = 6);
  else if (!error && request == GET_VERSION && out_bytes >= 12) memcpy(out, version, *count = 12);
  else if (!error && request == GET_MTU && out_bytes >= 4) memcpy(out, &mtu, *count = 4);
  else if (!error && request == SET_MEDIA && in_bytes >= 4) record("media %u\n", *(const uint32_t *)in);
  else if (!error && request == CONFIG_TUN && in_bytes >= 12) {
    for (int i = 0; i < 12; i++) record(i == 0 ? "tun %u" : ".%u", in[i]);
    record("\n");
  } else if (!error) error = E_INVALID_PARAMETER;
#ifdef _WIN32
  // A pipe stands in for the adapter: whoever reads it shall get one frame at a time, as the driver gives them.
  DWORD mode = PIPE_READMODE_MESSAGE;
  if (request == SET_MEDIA) SetNamedPipeHandleState(file, &mode, NULL, NULL);
#else
  (void)file;
#endif
  SetLastError(error);
  return error == 0;
}
