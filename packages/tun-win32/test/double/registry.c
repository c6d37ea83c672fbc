// The parts of advapi32 that the driver calls, on Linux: a registry that tests fill.
#include "double.h"

enum { VALUES_MAX = 512, PATH_UNITS = 256, VALUE_BYTES = 256, KEYS_MAX = 64, READ_ACCESS = 0x20019 };
static const uint64_t LOCAL_MACHINE = 0x80000002;

struct value {
  char key[PATH_UNITS], name[64];
  uint32_t type, bytes;
  unsigned char data[VALUE_BYTES];
};
struct key {
  char path[PATH_UNITS];
};
static struct value values[VALUES_MAX];
static int value_count;
int registry_keys_open;

/** Registry names know no case. */
static int same(const char *a, const char *b) {
  for (; *a || *b; a++, b++) {
    char x = *a >= 'A' && *a <= 'Z' ? *a + 32 : *a, y = *b >= 'A' && *b <= 'Z' ? *b + 32 : *b;
    if (x != y) return 0;
  }
  return 1;
}

static void narrow(char *to, const uint16_t *from, int room) {
  int i = 0;
  for (; i < room - 1 && from[i]; i++) to[i] = (char)from[i];
  to[i] = 0;
}

EXPORT void double_registry(const uint16_t *key, const uint16_t *name, uint32_t type, const void *data,
                            uint32_t bytes) {
  if (value_count == VALUES_MAX || bytes > VALUE_BYTES) return;
  struct value *value = &values[value_count++];
  narrow(value->key, key, PATH_UNITS);
  narrow(value->name, name, 64);
  value->type = type;
  value->bytes = bytes;
  memcpy(value->data, data, bytes);
}

EXPORT void double_registry_clear(void) { value_count = 0; }

static int is_below(const char *key, const char *path) {
  size_t bytes = strlen(path);
  char head[PATH_UNITS];
  if (strlen(key) < bytes) return 0;
  memcpy(head, key, bytes);
  head[bytes] = 0;
  return same(head, path) && (key[bytes] == 0 || key[bytes] == '\\');
}

EXPORT uint32_t RegOpenKeyExW(uint64_t root, const uint16_t *path, uint32_t options, uint32_t access,
                              struct key **key) {
  char text[PATH_UNITS];
  narrow(text, path, PATH_UNITS);
  if (root != LOCAL_MACHINE || access != READ_ACCESS || options != 0) return E_INVALID_PARAMETER;
  for (int i = 0; i < value_count; i++) {
    if (!is_below(values[i].key, text)) continue;
    *key = calloc(1, sizeof **key);
    strcpy((*key)->path, text);
    registry_keys_open++;
    return E_OK;
  }
  return E_FILE_NOT_FOUND;
}

EXPORT uint32_t RegEnumKeyExW(struct key *key, uint32_t index, uint16_t *name, uint32_t *units, void *a, void *b,
                              void *c, void *d) {
  char found[KEYS_MAX][64];
  uint32_t count = 0;
  (void)a, (void)b, (void)c, (void)d;
  for (int i = 0; i < value_count; i++) {
    size_t at = strlen(key->path);
    if (!is_below(values[i].key, key->path) || values[i].key[at] != '\\') continue;
    char child[64] = "";
    sscanf(values[i].key + at + 1, "%63[^\\]", child);
    uint32_t known = 0;
    while (known < count && !same(found[known], child)) known++;
    if (known == count && count < KEYS_MAX) strcpy(found[count++], child);
  }
  if (index >= count) return E_NO_MORE_ITEMS;
  *units = (uint32_t)strlen(found[index]);
  for (uint32_t i = 0; i <= *units; i++) name[i] = (uint8_t)found[index][i];
  return E_OK;
}

EXPORT uint32_t RegQueryValueExW(struct key *key, const uint16_t *name, void *reserved, uint32_t *type, void *data,
                                 uint32_t *bytes) {
  char text[64];
  narrow(text, name, 64);
  (void)reserved;
  for (int i = 0; i < value_count; i++) {
    if (!same(values[i].key, key->path) || !same(values[i].name, text)) continue;
    *type = values[i].type;
    *bytes = values[i].bytes;
    memcpy(data, values[i].data, values[i].bytes);
    return E_OK;
  }
  return E_FILE_NOT_FOUND;
}

EXPORT uint32_t RegCloseKey(struct key *key) {
  registry_keys_open--;
  free(key);
  return E_OK;
}
