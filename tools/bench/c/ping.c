// Round trips of a UDP datagram, one at a time, with a pause between them:  ping ADDRESS PORT COUNT PAUSE_US
// Prints the median and the 99th of a hundred, in microseconds, as one line of JSON.
#include "clock.h"
#include "endpoint.h"

enum { COUNT_MAX = 100000, PAYLOAD_BYTES = 56, ANSWER_SECONDS = 1 };

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

int main(int count, char **words) {
  if (count != 5) return fprintf(stderr, "ping ADDRESS PORT COUNT PAUSE_US\n"), 2;
  alarm(LIFETIME_SECONDS);
  struct sockaddr_in end = endpoint(words[1], words[2]);
  int trips = atoi(words[3]);
  if (trips < 1 || trips > COUNT_MAX) return fprintf(stderr, "count out of range\n"), 2;
  int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct timeval limit = {.tv_sec = ANSWER_SECONDS};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(socket_, (struct sockaddr *)&end, sizeof end) < 0) fail("connecting");
  static double took[COUNT_MAX];
  char payload[PAYLOAD_BYTES] = {0};
  int answered = 0;
  for (int i = 0; i < trips; i++) {
    uint64_t before = now_ns();
    if (send(socket_, payload, sizeof payload, 0) < 0) fail("sending");
    if (recv(socket_, payload, sizeof payload, 0) > 0) took[answered++] = (now_ns() - before) / 1e3;
    usleep(atoi(words[4]));
  }
  if (answered == 0) return fprintf(stderr, "no answer\n"), 1;
  qsort(took, answered, sizeof *took, compare);
  printf("{\"p50Us\":%.2f,\"p99Us\":%.2f,\"answered\":%d}\n", took[answered / 2], took[answered * 99 / 100], answered);
  fflush(stdout);
  return 0;
}
