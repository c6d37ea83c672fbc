// How long a connection takes:
//   connect serve ADDRESS PORT BYTES             answers the first BYTES octets of each connection with one
//   connect ask ADDRESS PORT COUNT MESSAGE       one connection after the other; prints {connectUs, answerUs}
// connectUs: median microseconds until connect returns. answerUs: median until the answer to the message is there.
#include <string.h>

#include "clock.h"
#include "endpoint.h"
#include "message.h"

enum { COUNT_MAX = 100000 };

static _Noreturn void serve(char **words) {
  int listener = listen_on(words[2], words[3]);
  long expected = atol(words[4]);
  puts("ready");
  fflush(stdout);
  for (;;) {
    static char octets[MESSAGE_MAX_BYTES];
    int stream = accept(listener, NULL, NULL);
    if (stream < 0) fail("accepting");
    setsockopt(stream, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    long missing = expected;
    while (missing > 0) {
      ssize_t came = recv(stream, octets, sizeof octets, 0);
      if (came <= 0) break;
      missing -= came;
    }
    if (missing <= 0) send(stream, octets, 1, MSG_NOSIGNAL);
    // The client closes first, so that the states that linger are its own.
    recv(stream, octets, 1, 0);
    close(stream);
  }
}

static int by_size(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return a < b ? -1 : a > b;
}

static double median_us(uint64_t *times, int count) {
  qsort(times, count, sizeof *times, by_size);
  return times[count / 2] * 1e-3;
}

static int ask(char **words) {
  static struct message message;
  static uint64_t connected[COUNT_MAX], answered[COUNT_MAX];
  message_load(&message, words[5]);
  struct sockaddr_in end = endpoint(words[2], words[3]);
  int count = atoi(words[4]);
  if (count < 1 || count > COUNT_MAX) return fprintf(stderr, "count out of range\n"), 2;
  for (int i = 0; i < count; i++) {
    char answer;
    uint64_t start = now_ns();
    int stream = connect_to(&end);
    connected[i] = now_ns() - start;
    if (message_send(&message, stream) < 0) fail("sending the message");
    if (recv(stream, &answer, 1, 0) != 1) fail("waiting for the answer");
    answered[i] = now_ns() - start;
    close(stream);
  }
  printf("{\"connectUs\":%.2f,\"answerUs\":%.2f}\n", median_us(connected, count), median_us(answered, count));
  return 0;
}

int main(int count, char **words) {
  alarm(LIFETIME_SECONDS);
  if (count == 5 && strcmp(words[1], "serve") == 0) serve(words);
  if (count == 6 && strcmp(words[1], "ask") == 0) return ask(words);
  return fprintf(stderr, "connect serve|ask ADDRESS PORT …\n"), 2;
}
