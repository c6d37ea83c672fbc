// Sockets of the load programs: an IPv4 address and a port, to connect to or to listen on.
#ifndef BENCH_ENDPOINT_H
#define BENCH_ENDPOINT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A load program that nobody ended ends itself. */
enum { LIFETIME_SECONDS = 300 };

static inline void fail(const char *what) {
  perror(what);
  exit(1);
}

static inline struct sockaddr_in endpoint(const char *address, const char *port) {
  struct sockaddr_in end = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  if (inet_pton(AF_INET, address, &end.sin_addr) != 1) {
    fprintf(stderr, "address: expected IPv4, found %s\n", address);
    exit(1);
  }
  return end;
}

static inline int listen_on(const char *address, const char *port) {
  struct sockaddr_in end = endpoint(address, port);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(listener, (struct sockaddr *)&end, sizeof end) < 0) fail("binding");
  if (listen(listener, 128) < 0) fail("listening");
  return listener;
}

static inline int connect_to(const struct sockaddr_in *end) {
  int stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(stream, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  if (connect(stream, (const struct sockaddr *)end, sizeof *end) < 0) fail("connecting");
  return stream;
}

#endif
