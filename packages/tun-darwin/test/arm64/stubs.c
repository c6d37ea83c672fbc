// What Apple's C library has below its variadic functions, and what those of apple-variadic.s keep.
static int flags;

__attribute__((visibility("hidden"))) int stored(int value) {
  flags = value;
  return 0;
}

__attribute__((visibility("hidden"))) int kept(void) { return flags; }

int __ioctl(int fd, unsigned long request, unsigned long argument) {
  return (int)((argument ^ request ^ (unsigned long)fd) & 0x7fffffff);
}

int __fcntl(int fd, int command, long argument) {
  if (fd < 0) return -1;
  return command == 4 ? stored((int)argument) : kept();
}
