// Sends UDP datagrams several times as fast as one by one, so that a forwarder which merges them is still the slower:
//   torrent ADDRESS PORT PACKET_BYTES FLOWS
// The kernel cuts one large datagram into 64 of PACKET_BYTES (the IP header counts) before they reach the device.
// Says "ready"; each line on stdin is for how many seconds, and one line of JSON says when they are over:
// {"packets":…}.
#include <netinet/udp.h>
#include <string.h>

#include "clock.h"
#include "endpoint.h"

enum { HEADERS_BYTES = 28, FLOWS_MAX = 256, SEGMENTS = 64, PAYLOAD_MAX_BYTES = 65000 };

int main(int count, char **words) {
  if (count != 5) return fprintf(stderr, "torrent ADDRESS PORT PACKET_BYTES FLOWS\n"), 2;
  alarm(LIFETIME_SECONDS);
  struct sockaddr_in end = endpoint(words[1], words[2]);
  int bytes = atoi(words[3]) - HEADERS_BYTES;
  int flows = atoi(words[4]);
  if (bytes < 1 || bytes * SEGMENTS > PAYLOAD_MAX_BYTES) return fprintf(stderr, "packet octets out of range\n"), 2;
  if (flows < 1 || flows > FLOWS_MAX) return fprintf(stderr, "flows out of range\n"), 2;

  int sockets[FLOWS_MAX];
  for (int i = 0; i < flows; i++) {
    sockets[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (setsockopt(sockets[i], SOL_UDP, UDP_SEGMENT, &bytes, sizeof bytes) < 0) fail("asking for segmentation");
    if (connect(sockets[i], (struct sockaddr *)&end, sizeof end) < 0) fail("connecting");
  }
  static char payload[PAYLOAD_MAX_BYTES];
  puts("ready");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    double until = now_seconds() + atof(line);
    uint64_t sent = 0;
    for (int flow = 0; now_seconds() < until; flow = (flow + 1) % flows) {
      if (send(sockets[flow], payload, (size_t)bytes * SEGMENTS, 0) > 0) sent += SEGMENTS;
    }
    printf("{\"packets\":%lu}\n", (unsigned long)sent);
    fflush(stdout);
  }
  return 0;
}
