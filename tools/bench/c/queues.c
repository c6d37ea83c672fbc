// Writes UDP datagrams of 64 octets into a TUN device, as fast as may be, a thread for each queue, each to a port of
// its own from PORT on:  queues NAME QUEUES DESTINATION PORT
// Says "ready" when the device exists. The line "write" on stdin lets the threads write, "rest" has them rest behind
// their bursts; for these and any other line one line of JSON goes out: packets, seconds.
#include <arpa/inet.h>
#include <pthread.h>

#include "checksum.h"
#include "clock.h"
#include "tun.h"

enum { QUEUES_MAX = 4, PACKET_BYTES = 64, IP_BYTES = 20, BURST = 64 };

struct queue {
  int device;
  uint64_t packets;
  uint8_t packet[PACKET_BYTES];
} __attribute__((aligned(128)));

/** From 192.0.2.9, without a UDP checksum. */
static void make_packet(uint8_t *packet, const char *destination, uint16_t port, uint16_t from) {
  static const uint8_t header[IP_BYTES] = {0x45, 0, 0, PACKET_BYTES, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 9};
  memcpy(packet, header, sizeof header);
  inet_pton(AF_INET, destination, packet + 16);
  uint16_t sum = checksum(packet, IP_BYTES);
  memcpy(packet + 10, &sum, sizeof sum);
  uint16_t udp[4] = {htons(from), htons(port), htons(PACKET_BYTES - IP_BYTES), 0};
  memcpy(packet + IP_BYTES, udp, sizeof udp);
}

/** Whether the threads write; each has its burst behind it when it looks. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static bool writing;

static void wait_for_turn(void) {
  pthread_mutex_lock(&turn);
  while (!writing) pthread_cond_wait(&turned, &turn);
  pthread_mutex_unlock(&turn);
}

static void take_turns(bool on) {
  pthread_mutex_lock(&turn);
  __atomic_store_n(&writing, on, __ATOMIC_RELAXED);
  pthread_cond_broadcast(&turned);
  pthread_mutex_unlock(&turn);
}

static void *run(void *argument) {
  struct queue *queue = argument;
  for (;;) {
    if (!__atomic_load_n(&writing, __ATOMIC_RELAXED)) wait_for_turn();
    for (int i = 0; i < BURST; i++) {
      if (write(queue->device, queue->packet, PACKET_BYTES) < 0) return NULL;
    }
    __atomic_store_n(&queue->packets, queue->packets + BURST, __ATOMIC_RELAXED);
  }
}

int main(int count, char **words) {
  int queues = count == 5 ? atoi(words[2]) : 0;
  if (queues < 1 || queues > QUEUES_MAX) return fprintf(stderr, "queues NAME QUEUES DESTINATION PORT\n"), 2;
  static struct queue all[QUEUES_MAX];
  for (int i = 0; i < queues; i++) {
    all[i].device = tun_open_queue(words[1]);
    make_packet(all[i].packet, words[3], atoi(words[4]) + i, 40000 + i);
  }
  puts("ready");
  fflush(stdout);
  pthread_t thread;
  for (int i = 0; i < queues; i++) pthread_create(&thread, NULL, run, &all[i]);
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (line[0] == 'w' || line[0] == 'r') take_turns(line[0] == 'w');
    uint64_t packets = 0;
    for (int i = 0; i < queues; i++) packets += __atomic_load_n(&all[i].packets, __ATOMIC_RELAXED);
    printf("{\"packets\":%lu,\"seconds\":%.6f}\n", (unsigned long)packets, now_seconds());
    fflush(stdout);
  }
  return 0;
}
