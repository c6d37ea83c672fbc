// Answers every UDP datagram over IPv4 that a TUN device brings, with its ends exchanged:  echo NAME
// Sleeps in poll(2), then reads and answers until nothing waits. Says "ready"; for each line on stdin its processor
// seconds and packets come back as JSON.
#include <poll.h>
#include <pthread.h>

#include "clock.h"
#include "octets.h"
#include "tun.h"

enum { PACKET_MAX_BYTES = 2048, UDP_END = 28, UDP = 17 };

static uint64_t packets;

/** The sums of header and datagram do not change when their words change places. */
static void turn(uint8_t *packet) {
  uint32_t source = word32(packet + 12), destination = word32(packet + 16), ports = word32(packet + 20);
  memcpy(packet + 12, &destination, sizeof destination);
  memcpy(packet + 16, &source, sizeof source);
  ports = ports << 16 | ports >> 16;
  memcpy(packet + 20, &ports, sizeof ports);
}

static void *run(void *argument) {
  int device = *(int *)argument;
  struct pollfd waiting = {device, POLLIN, 0};
  static uint8_t packet[PACKET_MAX_BYTES];
  for (;;) {
    ssize_t came = read(device, packet, sizeof packet);
    if (came < 0) {
      if (poll(&waiting, 1, -1) < 0 || (waiting.revents & POLLNVAL)) return NULL;
      continue;
    }
    if (came < UDP_END || packet[0] != 0x45 || packet[9] != UDP) continue;
    turn(packet);
    if (write(device, packet, came) == came) __atomic_store_n(&packets, packets + 1, __ATOMIC_RELAXED);
  }
}

int main(int count, char **words) {
  if (count != 2) return fprintf(stderr, "echo NAME\n"), 2;
  int device = tun_open(words[1], false);
  pthread_t thread;
  pthread_create(&thread, NULL, run, &device);
  puts("ready");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    printf("{\"packets\":%lu,\"cpuSeconds\":%.6f}\n", (unsigned long)__atomic_load_n(&packets, __ATOMIC_RELAXED),
           cpu_seconds());
    fflush(stdout);
  }
  return 0;
}
