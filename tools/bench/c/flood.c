// Sends UDP datagrams as fast as one processor can:  flood ADDRESS PORT PACKET_BYTES FLOWS SECONDS
// PACKET_BYTES counts the IP header. Flows take turns, eight datagrams each.
#include <string.h>

#include "clock.h"
#include "endpoint.h"

enum { HEADERS_BYTES = 28, FLOWS_MAX = 256, TURN = 8, PAYLOAD_MAX_BYTES = 1472 };

int main(int count, char **words) {
  if (count != 6) return fprintf(stderr, "flood ADDRESS PORT PACKET_BYTES FLOWS SECONDS\n"), 2;
  alarm(LIFETIME_SECONDS);
  struct sockaddr_in end = endpoint(words[1], words[2]);
  int bytes = atoi(words[3]) - HEADERS_BYTES;
  int flows = atoi(words[4]);
  if (bytes < 0 || bytes > PAYLOAD_MAX_BYTES) return fprintf(stderr, "packet octets out of range\n"), 2;
  if (flows < 1 || flows > FLOWS_MAX) return fprintf(stderr, "flows out of range\n"), 2;

  int sockets[FLOWS_MAX];
  for (int i = 0; i < flows; i++) {
    sockets[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (connect(sockets[i], (struct sockaddr *)&end, sizeof end) < 0) fail("connecting");
  }
  static char payload[PAYLOAD_MAX_BYTES];
  struct iovec piece = {payload, bytes};
  struct mmsghdr turn[TURN];
  memset(turn, 0, sizeof turn);
  for (int i = 0; i < TURN; i++) {
    turn[i].msg_hdr.msg_iov = &piece;
    turn[i].msg_hdr.msg_iovlen = 1;
  }
  double until = now_seconds() + atof(words[5]);
  for (int flow = 0; now_seconds() < until; flow = (flow + 1) % flows) sendmmsg(sockets[flow], turn, TURN, 0);
  return 0;
}
