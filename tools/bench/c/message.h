// The first message of a connection, from a file: what makes a flow worth looking at.
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { MESSAGE_MAX_BYTES = 65536 };

struct message {
  unsigned char octets[MESSAGE_MAX_BYTES];
  size_t bytes;
};

/** An empty message where there is no path. */
static inline void message_load(struct message *message, const char *path) {
  message->bytes = 0;
  if (path == NULL) return;
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  message->bytes = fread(message->octets, 1, sizeof message->octets, file);
  fclose(file);
}

/** All of it, in one write: what the kernel cuts, it cuts as for any program. */
static inline int message_send(const struct message *message, int stream) {
  if (message->bytes == 0) return 0;
  return send(stream, message->octets, message->bytes, MSG_NOSIGNAL) == (ssize_t)message->bytes ? 0 : -1;
}

#endif
