// What Debian's C++ library (GCC 12) asks of glibc and musl 1.2.3 does not have, under the name of glibc's loader. With
// it an executable for musl can be started on Debian: over musl's own loader and C library. A system with musl brings
// a C++ library of its own, and none of this.
#include <stddef.h>
#include <stdint.h>

struct tm;
struct __locale_struct;
size_t strftime_l(char *to, size_t max, const char *format, const struct tm *time, struct __locale_struct *locale);
unsigned long getauxval(unsigned long type);
long getrandom(void *to, size_t bytes, unsigned flags);

// glibc 2.32, sys/single_threaded.h: never true, so that counters are always atomic.
char __libc_single_threaded = 0;

// GCC's cpuinfo.h, filled in by __cpu_indicator_init: no feature is known.
struct {
  unsigned vendor, type, subtype, features[1];
} __cpu_model;
unsigned __cpu_features2[2];

int __cpu_indicator_init(void) { return 0; }

uint32_t arc4random(void) {
  uint32_t word;
  getrandom(&word, sizeof word, 0);
  return word;
}

unsigned long __getauxval(unsigned long type) { return getauxval(type); }

size_t __strftime_l(char *to, size_t max, const char *format, const struct tm *time, struct __locale_struct *locale) {
  return strftime_l(to, max, format, time, locale);
}

// Destructors of a thread's objects: threads that end are not what is shown here.
int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *library) { return 0; }

// glibc 2.35, dlfcn.h: -1 says that no object is known, and an exception would end the program.
int _dl_find_object(void *address, void *result) { return -1; }
