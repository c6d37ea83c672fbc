// Opens a TUN device (linux/if_tun.h).
#ifndef BENCH_TUN_H
#define BENCH_TUN_H

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Headers older than Linux 6.2 lack the offload of UDP segmentation. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/** A non-blocking descriptor with an interface of these flags behind it: a new one, or a further queue of one. */
static inline int tun_attach(const char *name, int flags) {
  int descriptor = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) {
    perror("opening /dev/net/tun");
    exit(1);
  }
  struct ifreq request = {0};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  request.ifr_flags = IFF_TUN | IFF_NO_PI | flags;
  if (ioctl(descriptor, TUNSETIFF, &request) < 0) {
    perror("making a TUN device");
    exit(1);
  }
  return descriptor;
}

/** A queue of a device that can have several. */
static inline int tun_open_queue(const char *name) { return tun_attach(name, IFF_MULTI_QUEUE); }

/** A non-blocking descriptor of a new device; `offload`: packets have a virtio_net_hdr and may be super-packets. */
static inline int tun_open(const char *name, bool offload) {
  int descriptor = tun_attach(name, offload ? IFF_VNET_HDR : 0);
  if (offload) {
    unsigned segments = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    if (ioctl(descriptor, TUNSETOFFLOAD, segments | TUN_F_USO4 | TUN_F_USO6) < 0 &&
        ioctl(descriptor, TUNSETOFFLOAD, segments) < 0) {
      perror("setting the offload of a TUN device");
      exit(1);
    }
  }
  return descriptor;
}

#endif
