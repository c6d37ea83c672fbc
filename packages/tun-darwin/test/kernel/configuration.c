// Core Foundation and the dynamic store, as far as name servers need them: objects are counted, values belong to the
// session that added them, a key has one value. CFPropertyList.h, SCDynamicStore.h.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define VALUES_MAX 16
#define UTF8 0x08000100
#define STATUS_ACCESS 1003
#define STATUS_NO_KEY 1004
#define STATUS_KEY_EXISTS 1005

enum kind { TEXT = 1, DATA, LIST, STORE };

struct object {
  enum kind kind;
  size_t bytes;
  char *octets;
};

static struct { struct object *store; char key[256], *value; } values[VALUES_MAX];
static int objects, status, denied;

static struct object *make(enum kind kind, const char *octets, size_t bytes) {
  struct object *object = calloc(1, sizeof *object);
  object->kind = kind;
  object->bytes = bytes;
  object->octets = calloc(1, bytes + 1);
  if (bytes) memcpy(object->octets, octets, bytes);
  objects++;
  return object;
}

EXPORT void *CFStringCreateWithCString(void *allocator, const char *text, uint32_t encoding) {
  return allocator || encoding != UTF8 ? NULL : make(TEXT, text, strlen(text));
}

EXPORT void *CFDataCreate(void *allocator, const char *octets, long bytes) {
  return allocator || bytes < 0 ? NULL : make(DATA, octets, (size_t)bytes);
}

EXPORT void *CFPropertyListCreateWithData(void *allocator, struct object *data, uint64_t options, void *format,
                                          void *error) {
  if (allocator || options || format || error || data->kind != DATA) return NULL;
  if (strncmp(data->octets, "<?xml", 5) != 0 || !strstr(data->octets, "<plist")) return NULL;
  return make(LIST, data->octets, data->bytes);
}

EXPORT void CFRelease(struct object *object) {
  for (int i = 0; object->kind == STORE && i < VALUES_MAX; i++) {
    if (values[i].store != object) continue;
    free(values[i].value);
    memset(&values[i], 0, sizeof values[i]);
  }
  free(object->octets);
  object->kind = 0;
  free(object);
  objects--;
}

EXPORT void *SCDynamicStoreCreate(void *allocator, struct object *name, void *callback, void *context) {
  if (allocator || callback || context || name->kind != TEXT) return NULL;
  return make(STORE, NULL, 0);
}

static int find(const char *key) {
  for (int i = 0; i < VALUES_MAX; i++) {
    if (values[i].store && strcmp(values[i].key, key) == 0) return i;
  }
  return -1;
}

EXPORT uint8_t SCDynamicStoreAddTemporaryValue(struct object *store, struct object *key, struct object *value) {
  status = denied ? STATUS_ACCESS : find(key->octets) >= 0 ? STATUS_KEY_EXISTS : 0;
  if (status || store->kind != STORE || key->kind != TEXT || value->kind != LIST) return 0;
  for (int i = 0; i < VALUES_MAX; i++) {
    if (values[i].store) continue;
    values[i].store = store;
    snprintf(values[i].key, sizeof values[i].key, "%s", key->octets);
    values[i].value = strdup(value->octets);
    return 1;
  }
  return 0;
}

EXPORT uint8_t SCDynamicStoreRemoveValue(struct object *store, struct object *key) {
  int found = find(key->octets);
  status = found < 0 || values[found].store != store ? STATUS_NO_KEY : 0;
  if (status) return 0;
  free(values[found].value);
  memset(&values[found], 0, sizeof values[found]);
  return 1;
}

EXPORT int SCError(void) { return status; }

// For the test: what is there.
EXPORT int configuration_objects(void) { return objects; }
EXPORT void configuration_deny(int on) { denied = on; }
EXPORT const char *configuration_value(const char *key) {
  int found = find(key);
  return found < 0 ? "" : values[found].value;
}
