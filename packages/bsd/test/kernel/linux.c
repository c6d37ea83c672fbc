// The system underneath: interfaces, addresses and routes of Linux, in the namespace that the test has given.
// Sources: linux/if_tun.h, linux/rtnetlink.h, linux/if_packet.h.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kernel.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif
// A loaded machine looks at a carrier late; half a minute is for ever.
#define RUNNING_LOOKS_MAX 30000
// linux/if.h IF_OPER_UP; that header and net/if.h do not go together.
#define OPERATIONAL 6
#define SYS(...) ((int)syscall(__VA_ARGS__))

static __thread int before = -1;

void enter(void) {
  if (namespace_fd < 0) return;
  before = SYS(SYS_openat, AT_FDCWD, "/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  setns(namespace_fd, CLONE_NEWNET);
}

void leave(void) {
  if (before < 0) return;
  int kept = errno;
  setns(before, CLONE_NEWNET);
  SYS(SYS_close, before);
  before = -1;
  errno = kept;
}

static int socket_here(int family, int type, int protocol) {
  enter();
  int fd = SYS(SYS_socket, family, type | SOCK_CLOEXEC, protocol);
  leave();
  return fd;
}

// A request with a struct ifreq.
static int request(unsigned long code, struct ifreq *ifreq) {
  int fd = socket_here(AF_INET, SOCK_DGRAM, 0);
  int number = SYS(SYS_ioctl, fd, code, ifreq) < 0 ? errno : 0;
  SYS(SYS_close, fd);
  return number;
}

static struct ifreq named(const char *name) {
  struct ifreq ifreq;
  memset(&ifreq, 0, sizeof ifreq);
  snprintf(ifreq.ifr_name, IFNAMSIZ, "%s", name);
  return ifreq;
}

int linux_tun(int fd, const char *name, int is_tap) {
  struct ifreq ifreq = named(name);
  ifreq.ifr_flags = (short)((is_tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI);
  return SYS(SYS_ioctl, fd, TUNSETIFF, &ifreq) < 0 ? errno : 0;
}

int linux_index(const char *name) {
  struct ifreq ifreq = named(name);
  return request(SIOCGIFINDEX, &ifreq) == 0 ? ifreq.ifr_ifindex : 0;
}

int linux_mtu(const char *name, int mtu) {
  struct ifreq ifreq = named(name);
  ifreq.ifr_mtu = mtu;
  return request(SIOCSIFMTU, &ifreq);
}

int linux_up(const char *name, int up) {
  struct ifreq ifreq = named(name);
  int number = request(SIOCGIFFLAGS, &ifreq);
  if (number) return number;
  ifreq.ifr_flags = (short)(up ? ifreq.ifr_flags | IFF_UP : ifreq.ifr_flags & ~IFF_UP);
  return request(SIOCSIFFLAGS, &ifreq);
}

// Whoever reads frames gets them with whole checksums, as from a feth.
static void without_offload(const char *name) {
  struct ethtool_value off = {.cmd = ETHTOOL_STXCSUM, .data = 0};
  struct ifreq ifreq = named(name);
  ifreq.ifr_data = (void *)&off;
  request(SIOCETHTOOL, &ifreq);
}

int linux_mac(const char *name, uint8_t *mac, int set) {
  struct ifreq ifreq = named(name);
  ifreq.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  if (set) memcpy(ifreq.ifr_hwaddr.sa_data, mac, 6);
  int number = request(set ? SIOCSIFHWADDR : SIOCGIFHWADDR, &ifreq);
  if (!set) memcpy(mac, ifreq.ifr_hwaddr.sa_data, 6);
  return number;
}

int linux_rename(const char *name, const char *to) {
  struct ifreq ifreq = named(name);
  snprintf(ifreq.ifr_newname, IFNAMSIZ, "%s", to);
  int was_up = 0;
  struct ifreq flags = named(name);
  if (request(SIOCGIFFLAGS, &flags) == 0) was_up = flags.ifr_flags & IFF_UP;
  if (was_up) linux_up(name, 0);
  int number = request(SIOCSIFNAME, &ifreq);
  if (was_up) linux_up(number ? name : to, 1);
  return number;
}

int linux_frames(const char *name, int ignore_outgoing) {
  int fd = socket_here(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0) return -1;
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(0x0003), .sll_ifindex = linux_index(name)};
  int one = 1;
  if (ignore_outgoing) {
    syscall(SYS_setsockopt, fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
  } else {
    // A writer: nothing is read here.
    to.sll_protocol = 0;
  }
  if (SYS(SYS_bind, fd, &to, sizeof to) == 0) return fd;
  int kept = errno;
  SYS(SYS_close, fd);
  errno = kept;
  return -1;
}

// --- netlink ---

struct message {
  struct nlmsghdr header;
  char rest[512];
};

static void *attribute(struct message *message, int type, const void *data, int bytes) {
  struct rtattr *at = (struct rtattr *)((char *)message + NLMSG_ALIGN(message->header.nlmsg_len));
  at->rta_type = (unsigned short)type;
  at->rta_len = (unsigned short)RTA_LENGTH(bytes);
  if (bytes) memcpy(RTA_DATA(at), data, (size_t)bytes);
  message->header.nlmsg_len = NLMSG_ALIGN(message->header.nlmsg_len) + RTA_ALIGN(at->rta_len);
  return at;
}

static void end(struct message *message, struct rtattr *nest) {
  nest->rta_len = (unsigned short)((char *)message + message->header.nlmsg_len - (char *)nest);
}

static int say(struct message *message, int type, int flags) {
  int fd = socket_here(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  message->header.nlmsg_type = (unsigned short)type;
  message->header.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags);
  char answer[2048];
  int number = EIO;
  if (syscall(SYS_sendto, fd, message, message->header.nlmsg_len, 0, NULL, 0) > 0 &&
      syscall(SYS_recvfrom, fd, answer, sizeof answer, 0, NULL, NULL) > 0) {
    number = -((struct nlmsgerr *)NLMSG_DATA((struct nlmsghdr *)answer))->error;
  }
  SYS(SYS_close, fd);
  return number;
}

// RFC 2863's state of an interface, as a number of linux/if.h; 0 is unknown.
static int operational_state(struct message *message) {
  int fd = socket_here(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  message->header.nlmsg_type = RTM_GETLINK;
  message->header.nlmsg_flags = NLM_F_REQUEST;
  static __thread char answer[32768];
  struct nlmsghdr *header = (struct nlmsghdr *)answer;
  int bytes = 0, state = 0;
  if (syscall(SYS_sendto, fd, message, message->header.nlmsg_len, 0, NULL, 0) > 0) {
    bytes = SYS(SYS_recvfrom, fd, answer, sizeof answer, 0, NULL, NULL);
  }
  SYS(SYS_close, fd);
  if (bytes <= 0 || header->nlmsg_type != RTM_NEWLINK) return 0;
  int left = (int)IFLA_PAYLOAD(header);
  for (struct rtattr *at = IFLA_RTA(NLMSG_DATA(header)); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
    if (at->rta_type == IFLA_OPERSTATE) state = *(uint8_t *)RTA_DATA(at);
  }
  return state;
}

static struct message empty(int bytes) {
  struct message message;
  memset(&message, 0, sizeof message);
  message.header.nlmsg_len = NLMSG_LENGTH((unsigned)bytes);
  return message;
}

// A pair that has just come up drops frames until Linux has looked at its carrier and taken its queue into use. It does
// both in one go (net/core/link_watch.c), and tells nobody of this interface in between. IFF_RUNNING says nothing of
// it: before the first look the state is unknown, which counts as running.
void linux_await_running(const char *name) {
  for (int i = 0; i < RUNNING_LOOKS_MAX; i++) {
    struct message message = empty(sizeof(struct ifinfomsg));
    ((struct ifinfomsg *)NLMSG_DATA(&message.header))->ifi_index = linux_index(name);
    if (operational_state(&message) == OPERATIONAL) break;
    usleep(1000);
  }
}

int linux_pair(const char *name, const char *peer) {
  struct message message = empty(sizeof(struct ifinfomsg));
  attribute(&message, IFLA_IFNAME, name, (int)strlen(name) + 1);
  struct rtattr *info = attribute(&message, IFLA_LINKINFO, NULL, 0);
  attribute(&message, IFLA_INFO_KIND, "veth", 4);
  struct rtattr *data = attribute(&message, IFLA_INFO_DATA, NULL, 0);
  struct rtattr *other = attribute(&message, VETH_INFO_PEER, NULL, 0);
  message.header.nlmsg_len += sizeof(struct ifinfomsg);
  attribute(&message, IFLA_IFNAME, peer, (int)strlen(peer) + 1);
  end(&message, other);
  end(&message, data);
  end(&message, info);
  int number = say(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  if (number == 0) {
    without_offload(name);
    without_offload(peer);
  }
  return number;
}

int linux_delete(const char *name) {
  struct message message = empty(sizeof(struct ifinfomsg));
  struct ifinfomsg *link = NLMSG_DATA(&message.header);
  link->ifi_index = linux_index(name);
  return link->ifi_index ? say(&message, RTM_DELLINK, 0) : ENODEV;
}

int linux_address(int add, int index, int family, const uint8_t *own, const uint8_t *other, int prefix) {
  int bytes = family == 4 ? 4 : 16;
  struct message message = empty(sizeof(struct ifaddrmsg));
  struct ifaddrmsg *body = NLMSG_DATA(&message.header);
  body->ifa_family = family == 4 ? AF_INET : AF_INET6;
  body->ifa_prefixlen = (unsigned char)prefix;
  body->ifa_index = (unsigned)index;
  uint32_t flags = IFA_F_NODAD;
  attribute(&message, IFA_LOCAL, own, bytes);
  attribute(&message, IFA_ADDRESS, other ? other : own, bytes);
  if (family == 6) attribute(&message, IFA_FLAGS, &flags, sizeof flags);
  return say(&message, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_EXCL : 0);
}

// type: 1 adds, 2 removes, 3 changes
int linux_route(int type, const struct route *route) {
  int bytes = route->family == 4 ? 4 : 16;
  struct message message = empty(sizeof(struct rtmsg));
  struct rtmsg *body = NLMSG_DATA(&message.header);
  body->rtm_family = route->family == 4 ? AF_INET : AF_INET6;
  body->rtm_dst_len = (unsigned char)route->prefix;
  body->rtm_table = RT_TABLE_MAIN;
  body->rtm_protocol = type == 2 ? 0 : RTPROT_STATIC;
  body->rtm_scope = RT_SCOPE_UNIVERSE;
  if (route->family == 4) body->rtm_scope = type == 2 ? RT_SCOPE_NOWHERE : route->has_gateway ? 0 : RT_SCOPE_LINK;
  body->rtm_type = RTN_UNICAST;
  // net/route.h: RTF_REJECT 0x8, RTF_BLACKHOLE 0x1000
  if (route->flags & 0x8) body->rtm_type = RTN_UNREACHABLE;
  if (route->flags & 0x1000) body->rtm_type = RTN_BLACKHOLE;
  if (route->prefix) attribute(&message, RTA_DST, route->destination, bytes);
  if (body->rtm_type == RTN_UNICAST && type != 2) {
    if (route->has_gateway) attribute(&message, RTA_GATEWAY, route->gateway, bytes);
    if (route->index) attribute(&message, RTA_OIF, &route->index, 4);
    if (route->mtu) {
      struct rtattr *metrics = attribute(&message, RTA_METRICS, NULL, 0);
      attribute(&message, RTAX_MTU, &route->mtu, 4);
      end(&message, metrics);
    }
  } else if (type != 2) {
    body->rtm_scope = 0;
  }
  int flags = type == 1 ? NLM_F_CREATE | NLM_F_EXCL : type == 3 ? NLM_F_REPLACE : 0;
  return say(&message, type == 2 ? RTM_DELROUTE : RTM_NEWROUTE, flags);
}
