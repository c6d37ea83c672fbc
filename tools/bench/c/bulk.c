// Bulk TCP, measured by whoever receives:
//   bulk serve ADDRESS PORT sink|source SKIP     serves connections one after the other
//   bulk up|down ADDRESS PORT SECONDS [MESSAGE]  one connection: sends the message, then moves octets for so long
// Either end prints one line of JSON per connection: {"cpuSeconds":…}, what it used from the connection's beginning to
// its end; the receiver also {"bytes":…,"seconds":…}, from its first octets to its last.
// A server takes SKIP octets, the client's message, before anything else, and a sink answers it, as every server does:
// a connection that ends without an octet of its server is one that somebody cut, and whoever watches for that acts.
#include <signal.h>
#include <string.h>

#include "clock.h"
#include "endpoint.h"
#include "message.h"

enum { BLOCK_BYTES = 256 * 1024, ANSWER_BYTES = 2048 };

static char block[BLOCK_BYTES];
/** For what is not looked at: bulk that began like a message would be taken for one. */
static char scrap[4096];

/** Reads until the peer closes or the time is over, and prints what came. */
static void receive(int stream, double seconds_max) {
  double cpu = cpu_seconds();
  double first = 0, last = 0;
  uint64_t bytes = 0;
  for (;;) {
    ssize_t came = recv(stream, block, sizeof block, 0);
    if (came <= 0) break;
    last = now_seconds();
    if (first == 0) first = last;
    else bytes += came;
    if (last - first >= seconds_max) break;
  }
  printf("{\"bytes\":%lu,\"seconds\":%.6f,\"cpuSeconds\":%.6f}\n", (unsigned long)bytes, last - first,
         cpu_seconds() - cpu);
  fflush(stdout);
}

static void send_for(int stream, double seconds) {
  double cpu = cpu_seconds(), until = now_seconds() + seconds;
  while (now_seconds() < until && send(stream, block, sizeof block, MSG_NOSIGNAL) > 0) continue;
  printf("{\"cpuSeconds\":%.6f}\n", cpu_seconds() - cpu);
  fflush(stdout);
}

static void skip(int stream, long bytes) {
  while (bytes > 0) {
    ssize_t came = recv(stream, scrap, bytes < (long)sizeof scrap ? bytes : (long)sizeof scrap, 0);
    if (came <= 0) return;
    bytes -= came;
  }
}

static _Noreturn void serve(char **words) {
  int listener = listen_on(words[2], words[3]);
  int is_sink = strcmp(words[4], "sink") == 0;
  puts("ready");
  fflush(stdout);
  for (;;) {
    int stream = accept(listener, NULL, NULL);
    if (stream < 0) fail("accepting");
    skip(stream, atol(words[5]));
    if (is_sink && atol(words[5]) > 0 && send(stream, block, ANSWER_BYTES, MSG_NOSIGNAL) < 0) fail("answering");
    if (is_sink) receive(stream, LIFETIME_SECONDS);
    else send_for(stream, LIFETIME_SECONDS);
    close(stream);
  }
}

int main(int count, char **words) {
  alarm(LIFETIME_SECONDS);
  if (count == 6 && strcmp(words[1], "serve") == 0) serve(words);
  if (count < 5) return fprintf(stderr, "bulk serve|up|down ADDRESS PORT …\n"), 2;
  static struct message message;
  message_load(&message, count > 5 ? words[5] : NULL);
  struct sockaddr_in end = endpoint(words[2], words[3]);
  int stream = connect_to(&end);
  if (message_send(&message, stream) < 0) fail("sending the message");
  int is_up = strcmp(words[1], "up") == 0;
  if (is_up && count > 5) skip(stream, ANSWER_BYTES);
  if (is_up) send_for(stream, atof(words[4]));
  else receive(stream, atof(words[4]));
  close(stream);
  return 0;
}
