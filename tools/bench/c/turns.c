// Bulk TCP on two paths that take turns of some milliseconds, so that what disturbs the machine disturbs both:
//   turns ADDRESS PORT up|down|both SECONDS MESSAGE SERVER BARE OURS
// The last three are network namespaces: of the server, and of a client on either path. Each client connects and sends
// the message, which the server answers: see bulk.c. Then octets move. One thread holds all ends, so that nobody
// waits to be woken, which differs more between runs than anything that is measured here, and so that what both ends
// cost is what the thread uses; the kernel carries packets from end to end in its name.
// Prints {"bare":[octets,nanoseconds,nanoseconds of processor time,…],"ours":[…]}, three numbers for each turn.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>

#include "clock.h"
#include "endpoint.h"
#include "message.h"

enum { BLOCK_BYTES = 256 * 1024, ANSWER_BYTES = 2048, TURNS_MAX = 4096, TURN_NS = 10000000, WARM_TURNS = 20 };

struct path {
  int client, server;
  size_t going_up, going_down;
  uint64_t turns[TURNS_MAX][3];
};

static char block[BLOCK_BYTES];

static void enter(const char *name) {
  char place[256];
  snprintf(place, sizeof place, "/run/netns/%s", name);
  int space = open(place, O_RDONLY | O_CLOEXEC);
  if (space < 0 || setns(space, CLONE_NEWNET) < 0) fail(place);
  close(space);
}

static void take_all(int stream, size_t bytes) {
  static char scrap[MESSAGE_MAX_BYTES];
  if (recv(stream, scrap, bytes, MSG_WAITALL) != (ssize_t)bytes) fail("taking a message");
}

static void open_path(struct path *path, const char *space, int listener,
                      const struct sockaddr_in *end, const struct message *message) {
  enter(space);
  path->client = connect_to(end);
  path->server = accept(listener, NULL, NULL);
  if (path->server < 0) fail("accepting");
  if (message_send(message, path->client) < 0) fail("sending the message");
  take_all(path->server, message->bytes);
  if (send(path->server, block, ANSWER_BYTES, MSG_NOSIGNAL) != ANSWER_BYTES) fail("answering");
  take_all(path->client, ANSWER_BYTES);
}

/**
 * Octets that arrived. What is on its way stays within a block, as with a receiver who keeps up: some streams would
 * fill a window of megabytes, which the cache has not, and cost twice as much an octet as the next.
 */
static size_t move(int from, int to, size_t *on_its_way) {
  if (*on_its_way < sizeof block) {
    ssize_t went = send(from, block, sizeof block - *on_its_way, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (went < 0 && errno != EAGAIN) fail("sending");
    if (went > 0) *on_its_way += went;
  }
  ssize_t came = recv(to, block, sizeof block, MSG_DONTWAIT);
  if (came == 0 || (came < 0 && errno != EAGAIN)) fail("receiving");
  if (came < 0) return 0;
  *on_its_way -= came;
  return came;
}

static uint64_t used_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000000u + time.tv_nsec;
}

static void turn(struct path *path, int is_up, int is_down, uint64_t said[3]) {
  uint64_t begin = now_ns(), used = used_ns(), bytes = 0;
  while (now_ns() - begin < TURN_NS) {
    size_t came = 0;
    if (is_up) came += move(path->client, path->server, &path->going_up);
    if (is_down) came += move(path->server, path->client, &path->going_down);
    bytes += came;
    // Packets lie with a thread of the kernel's, which has its turn now.
    if (came == 0) poll(&(struct pollfd){.fd = is_up ? path->server : path->client, .events = POLLIN}, 1, 1);
  }
  said[0] = bytes;
  said[1] = now_ns() - begin;
  said[2] = used_ns() - used;
}

static void print(const char *name, const struct path *path, int turns, const char *end) {
  printf("\"%s\":[", name);
  for (int i = 0; i < turns; i++) {
    const uint64_t *said = path->turns[i];
    printf("%s%lu,%lu,%lu", i > 0 ? "," : "", (unsigned long)said[0], (unsigned long)said[1], (unsigned long)said[2]);
  }
  printf("]%s", end);
}

int main(int count, char **words) {
  alarm(LIFETIME_SECONDS);
  if (count != 9) return fprintf(stderr, "turns ADDRESS PORT up|down|both SECONDS MESSAGE SERVER BARE OURS\n"), 2;
  static struct message message;
  static struct path bare, ours;
  message_load(&message, words[5]);
  struct sockaddr_in end = endpoint(words[1], words[2]);
  enter(words[6]);
  int listener = listen_on(words[1], words[2]);
  open_path(&bare, words[7], listener, &end, &message);
  open_path(&ours, words[8], listener, &end, &message);
  int is_up = strcmp(words[3], "down") != 0, is_down = strcmp(words[3], "up") != 0;
  uint64_t warm[3];
  for (int i = 0; i < WARM_TURNS; i++) turn(i % 2 == 0 ? &ours : &bare, is_up, is_down, warm);
  double until = now_seconds() + atof(words[4]);
  int turns = 0;
  for (; turns < TURNS_MAX && now_seconds() < until; turns++) {
    struct path *first = turns % 2 == 0 ? &bare : &ours, *second = turns % 2 == 0 ? &ours : &bare;
    turn(first, is_up, is_down, first->turns[turns]);
    turn(second, is_up, is_down, second->turns[turns]);
  }
  printf("{");
  print("bare", &bare, turns, ",");
  print("ours", &ours, turns, "}\n");
  return 0;
}
