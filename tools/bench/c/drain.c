// Takes UDP datagrams and never reads them:  drain ADDRESS PORT
// The socket's queue is always full, so that each datagram costs its receiver the same: being thrown away.
#include "endpoint.h"

int main(int count, char **words) {
  if (count != 3) return fprintf(stderr, "drain ADDRESS PORT\n"), 2;
  alarm(LIFETIME_SECONDS);
  struct sockaddr_in end = endpoint(words[1], words[2]);
  int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &(int){1}, sizeof(int));
  if (bind(socket_, (struct sockaddr *)&end, sizeof end) < 0) fail("binding");
  puts("ready");
  fflush(stdout);
  pause();
  return 0;
}
