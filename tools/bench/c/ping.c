// Round trips of a UDP datagram, one at a time, with a pause between them:  ping ADDRESS PORT
// Says "ready"; for each line on stdin, "COUNT PAUSE_US", one line of JSON has the median and the 99th of a hundred of
// so many, in microseconds.
#include "clock.h"
#include "endpoint.h"

enum { COUNT_MAX = 100000, PAYLOAD_BYTES = 56, ANSWER_SECONDS = 1 };

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static void call(int socket_, int trips, int pause_us) {
  static double took[COUNT_MAX];
  char payload[PAYLOAD_BYTES] = {0};
  int answered = 0;
  for (int i = 0; i < trips; i++) {
    uint64_t before = now_ns();
    if (send(socket_, payload, sizeof payload, 0) < 0) fail("sending");
    if (recv(socket_, payload, sizeof payload, 0) > 0) took[answered++] = (now_ns() - before) / 1e3;
    if (pause_us > 0) usleep(pause_us);
  }
  if (answered == 0) fail("waiting for an answer");
  qsort(took, answered, sizeof *took, compare);
  printf("{\"p50Us\":%.3f,\"p99Us\":%.3f,\"answered\":%d}\n", took[answered / 2], took[answered * 99 / 100], answered);
  fflush(stdout);
}

int main(int count, char **words) {
  if (count != 3) return fprintf(stderr, "ping ADDRESS PORT\n"), 2;
  alarm(LIFETIME_SECONDS);
  struct sockaddr_in end = endpoint(words[1], words[2]);
  int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct timeval limit = {.tv_sec = ANSWER_SECONDS};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(socket_, (struct sockaddr *)&end, sizeof end) < 0) fail("connecting");
  puts("ready");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    int trips = 0, pause_us = 0;
    if (sscanf(line, "%d %d", &trips, &pause_us) != 2 || trips < 1 || trips > COUNT_MAX) {
      return fprintf(stderr, "COUNT PAUSE_US out of range\n"), 2;
    }
    call(socket_, trips, pause_us);
  }
  return 0;
}
