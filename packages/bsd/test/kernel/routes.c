// The routing socket: requests are made and told to everybody, lists are given. Source: route(4), net/rtsock.c.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kernel.h"

#define RTM_ADD 1
#define RTM_DELETE 2
#define RTM_CHANGE 3
#define RTM_GET 4
#define RTM_NEWADDR 0xc
#define RTM_DELADDR 0xd
#define RTF_GATEWAY 0x2
#define RTF_HOST 0x4
#define RTF_DONE 0x40
#define RTA_DST 0x1
#define RTA_GATEWAY 0x2
#define RTA_NETMASK 0x4
#define RTA_IFP 0x10
#define RTA_IFA 0x20
#define RTA_BRD 0x80
#define NET_RT_DUMP 1
#define IFF_UP 0x1
#define MESSAGE_MAX 1024

#ifndef O_rt_msghdr_rtm_hdrlen
#define O_rt_msghdr_rtm_hdrlen 0
#endif

struct writer {
  uint8_t octets[MESSAGE_MAX];
  size_t bytes;
  uint32_t bits;
};

static size_t rounded(size_t bytes) {
  return bytes == 0 ? N_ROUTE_ALIGN : (bytes + N_ROUTE_ALIGN - 1) / N_ROUTE_ALIGN * N_ROUTE_ALIGN;
}

static void put_inet(struct writer *writer, uint32_t bit, int family, const uint8_t *octets) {
  uint8_t *at = writer->octets + writer->bytes;
  int is_ipv6 = family == 6;
  at[0] = is_ipv6 ? S_sockaddr_in6 : S_sockaddr_in;
  at[1] = is_ipv6 ? N_AF_INET6 : N_AF_INET;
  memcpy(at + (is_ipv6 ? O_sockaddr_in6_sin6_addr : O_sockaddr_in_sin_addr), octets, is_ipv6 ? 16 : 4);
  writer->bytes += rounded(at[0]);
  writer->bits |= bit;
}

static void put_link(struct writer *writer, uint32_t bit, int index, const struct interface *interface) {
  uint8_t *at = writer->octets + writer->bytes;
  at[0] = S_sockaddr_dl;
  at[1] = N_AF_LINK;
  put16(at + O_sockaddr_dl_sdl_index, (uint16_t)index);
  if (interface) {
    size_t length = strlen(interface->name);
    at[O_sockaddr_dl_sdl_nlen] = (uint8_t)length;
    memcpy(at + O_sockaddr_dl_sdl_data, interface->name, length);
    if (interface->is_tap) {
      at[O_sockaddr_dl_sdl_alen] = 6;
      linux_mac(interface->name, at + O_sockaddr_dl_sdl_data + length, 0);
    }
  }
  writer->bytes += rounded(at[0]);
  writer->bits |= bit;
}

static struct writer begin(size_t header, int type) {
  struct writer writer;
  memset(&writer, 0, sizeof writer);
  writer.bytes = header;
  writer.octets[2] = N_RTM_VERSION;
  writer.octets[3] = (uint8_t)type;
  if (O_rt_msghdr_rtm_hdrlen) put16(writer.octets + O_rt_msghdr_rtm_hdrlen, (uint16_t)header);
  return writer;
}

static void finish(struct writer *writer, int addrs_at) {
  put16(writer->octets, (uint16_t)writer->bytes);
  put32(writer->octets + addrs_at, writer->bits);
}

static void tell_everybody(const uint8_t *octets, size_t bytes) {
  for (int i = 0; i < OBJECTS_MAX; i++) {
    if (objects[i].kind == ROUTE) syscall(SYS_sendto, objects[i].far, octets, bytes, 0x40, NULL, 0);
  }
}

static struct writer link_message(const struct interface *interface) {
  struct writer writer = begin(S_if_msghdr, N_RTM_IFINFO);
  put32(writer.octets + O_if_msghdr_ifm_flags, (uint32_t)interface->flags);
  put16(writer.octets + O_if_msghdr_ifm_index, (uint16_t)interface->index);
  put32(writer.octets + O_if_msghdr_ifm_data + O_if_data_ifi_mtu, (uint32_t)interface->mtu);
  put_link(&writer, RTA_IFP, interface->index, interface);
  finish(&writer, O_if_msghdr_ifm_addrs);
  return writer;
}

void announce_link(const struct interface *interface) {
  struct writer writer = link_message(interface);
  tell_everybody(writer.octets, writer.bytes);
}

static struct writer address_message(const struct interface *interface, const struct address *address, int type) {
  struct writer writer = begin(S_ifa_msghdr, type);
  put16(writer.octets + O_ifa_msghdr_ifam_index, (uint16_t)interface->index);
  put_inet(&writer, RTA_NETMASK, address->family, address->mask);
  put_link(&writer, RTA_IFP, interface->index, interface);
  put_inet(&writer, RTA_IFA, address->family, address->own);
  if (address->has_other) put_inet(&writer, RTA_BRD, address->family, address->other);
  finish(&writer, O_ifa_msghdr_ifam_addrs);
  return writer;
}

void announce_address(const struct interface *interface, const struct address *address, int is_new) {
  struct writer writer = address_message(interface, address, is_new ? RTM_NEWADDR : RTM_DELADDR);
  tell_everybody(writer.octets, writer.bytes);
}

static struct interface *by_index(int index) {
  for (int i = 0; i < INTERFACES_MAX; i++) {
    if (interfaces[i].name[0] && interfaces[i].index == index) return &interfaces[i];
  }
  return NULL;
}

static struct writer route_message(const struct route *route, int type, int sequence, int with_interface) {
  struct writer writer = begin(S_rt_msghdr, type);
  uint8_t mask[16] = {0};
  for (int i = 0; i < route->prefix; i++) mask[i / 8] |= (uint8_t)(0x80 >> (i % 8));
  put16(writer.octets + O_rt_msghdr_rtm_index, (uint16_t)route->index);
  put32(writer.octets + O_rt_msghdr_rtm_flags, (uint32_t)route->flags | RTF_DONE);
  put32(writer.octets + O_rt_msghdr_rtm_pid, (uint32_t)getpid());
  put32(writer.octets + O_rt_msghdr_rtm_seq, (uint32_t)sequence);
  put32(writer.octets + O_rt_msghdr_rtm_rmx + O_rt_metrics_rmx_mtu, route->mtu);
  put_inet(&writer, RTA_DST, route->family, route->destination);
  if (route->has_gateway) put_inet(&writer, RTA_GATEWAY, route->family, route->gateway);
  else put_link(&writer, RTA_GATEWAY, route->index, NULL);
  if (!(route->flags & RTF_HOST)) put_inet(&writer, RTA_NETMASK, route->family, mask);
  if (with_interface) put_link(&writer, RTA_IFP, route->index, by_index(route->index));
  finish(&writer, O_rt_msghdr_rtm_addrs);
  return writer;
}

// Reads the addresses behind the header; 0, or an errno.
static int read_route(const uint8_t *octets, size_t bytes, struct route *route) {
  uint32_t bits = u32(octets + O_rt_msghdr_rtm_addrs);
  size_t at = S_rt_msghdr;
  int has_mask = 0, has_destination = 0;
  uint8_t mask[16] = {0};
  for (int i = 0; i < 16; i++) {
    if (!(bits & (1u << i))) continue;
    if (at >= bytes || at + octets[at] > bytes) return B_EINVAL;
    const uint8_t *address = octets + at;
    int is_ipv6 = address[1] == N_AF_INET6, is_ipv4 = address[1] == N_AF_INET;
    const uint8_t *ip = address + (is_ipv6 ? O_sockaddr_in6_sin6_addr : O_sockaddr_in_sin_addr);
    size_t length = is_ipv6 ? 16 : 4;
    if (1 << i == RTA_DST) {
      if (!is_ipv4 && !is_ipv6) return B_EAFNOSUPPORT;
      route->family = is_ipv6 ? 6 : 4;
      memcpy(route->destination, ip, length);
      has_destination = 1;
    } else if (1 << i == RTA_GATEWAY && address[1] == N_AF_LINK) {
      route->index = u16(address + O_sockaddr_dl_sdl_index);
    } else if (1 << i == RTA_GATEWAY) {
      memcpy(route->gateway, ip, length);
      route->has_gateway = (route->flags & RTF_GATEWAY) != 0;
    } else if (1 << i == RTA_NETMASK) {
      memcpy(mask, ip, length);
      has_mask = 1;
    }
    at += rounded(address[0]);
  }
  if (!has_destination || at != bytes) return B_EINVAL;
  int whole = route->family == 4 ? 32 : 128;
  int *ones = &route->prefix;
  while (has_mask && *ones < whole && (mask[*ones / 8] & (0x80 >> (*ones % 8)))) ++*ones;
  if (route->flags & RTF_HOST) route->prefix = whole;
  return 0;
}

static struct route *find(const struct route *wanted) {
  for (int i = 0; i < ROUTES_MAX; i++) {
    if (routes[i].used && routes[i].family == wanted->family && routes[i].prefix == wanted->prefix &&
        memcmp(routes[i].destination, wanted->destination, wanted->family == 4 ? 4 : 16) == 0) return &routes[i];
  }
  return NULL;
}

// The longest prefix that holds the destination.
static struct route *lookup(const struct route *wanted) {
  struct route *best = NULL;
  for (int i = 0; i < ROUTES_MAX; i++) {
    if (!routes[i].used || routes[i].family != wanted->family || (best && best->prefix >= routes[i].prefix)) continue;
    int bit = 0;
    while (bit < routes[i].prefix &&
           !((routes[i].destination[bit / 8] ^ wanted->destination[bit / 8]) & (0x80 >> (bit % 8)))) bit++;
    if (bit == routes[i].prefix) best = &routes[i];
  }
  return best;
}

static int change(int type, const struct route *wanted) {
  struct route *found = find(wanted);
  if (type == RTM_ADD && found) return B_EEXIST;
  if (type != RTM_ADD && !found) return B_ESRCH;
  struct route made = *wanted;
  made.used = 1;
  if (type == RTM_DELETE) made = *found;
  struct interface *interface = by_index(made.index);
  // Linux wants the interface up for that; it is told when it is.
  int number = interface && !(interface->flags & IFF_UP) ? 0 : linux_route(type, &made);
  // A route whose interface has lost its address has gone with it.
  if (number && type == RTM_DELETE) number = 0;
  if (number) return bsd_errno(number);
  if (type == RTM_DELETE) {
    found->used = 0;
    return 0;
  }
  for (int i = 0; !found && i < ROUTES_MAX; i++) {
    if (!routes[i].used) found = &routes[i];
  }
  if (!found) return B_ENOBUFS;
  *found = made;
  return 0;
}

// The interface has gone, and its routes with it.
void forget(struct interface *interface) {
  for (int i = 0; i < ROUTES_MAX; i++) {
    if (routes[i].used && routes[i].index == interface->index) routes[i].used = 0;
  }
  interface->name[0] = 0;
}

void restore_routes(int index) {
  for (int i = 0; i < ROUTES_MAX; i++) {
    if (routes[i].used && routes[i].index == index) linux_route(RTM_ADD, &routes[i]);
  }
}

// Whether routes are for who has opened the socket, or for who writes to it now.
#ifndef N_ROUTE_OPENER_COUNTS
#define N_ROUTE_OPENER_COUNTS 0
#endif

int route_write(int fd, const uint8_t *octets, size_t bytes) {
  if (bytes < S_rt_msghdr || u16(octets) != bytes) return B_EINVAL;
  if (octets[2] != N_RTM_VERSION) return B_EPROTONOSUPPORT;
  if (O_rt_msghdr_rtm_hdrlen && u16(octets + O_rt_msghdr_rtm_hdrlen) != S_rt_msghdr) return B_EINVAL;
  int type = octets[3];
  int sequence = (int)u32(octets + O_rt_msghdr_rtm_seq);
  struct route wanted;
  memset(&wanted, 0, sizeof wanted);
  wanted.flags = (int)u32(octets + O_rt_msghdr_rtm_flags);
  wanted.index = u16(octets + O_rt_msghdr_rtm_index);
  if (u32(octets + O_rt_msghdr_rtm_inits) & 1) wanted.mtu = u32(octets + O_rt_msghdr_rtm_rmx + O_rt_metrics_rmx_mtu);
  int number = read_route(octets, bytes, &wanted);
  if (number) return number;
  if (type == RTM_GET) {
    struct route *found = lookup(&wanted);
    if (!found) return B_ESRCH;
    struct writer writer = route_message(found, RTM_GET, sequence, 1);
    tell_everybody(writer.octets, writer.bytes);
    return 0;
  }
  if (type < RTM_ADD || type > RTM_CHANGE) return 45;
  if (!(N_ROUTE_OPENER_COUNTS ? objects[fd].privileged : privileged)) return B_EPERM;
  number = change(type, &wanted);
  tell("route %d %s/%d = %d", type, wanted.family == 4 ? "ipv4" : "ipv6", wanted.prefix, number);
  if (number) return number;
  struct writer writer = route_message(&wanted, type, sequence, 0);
  tell_everybody(writer.octets, writer.bytes);
  return 0;
}

int list_routes(int what, int argument, uint8_t *to, uint64_t *bytes) {
  size_t used = 0;
  size_t room = to ? *bytes : 0;
  #define APPEND(made) do { struct writer w = (made); \
    if (to && used + w.bytes <= room) memcpy(to + used, w.octets, w.bytes); used += w.bytes; } while (0)
  for (int i = 0; what == NET_RT_DUMP && i < ROUTES_MAX; i++) {
    if (routes[i].used) APPEND(route_message(&routes[i], RTM_GET, 0, 0));
  }
  for (int i = 0; what == N_NET_RT_IFLIST && i < INTERFACES_MAX; i++) {
    struct interface *interface = &interfaces[i];
    if (!interface->name[0] || (argument && argument != interface->index)) continue;
    APPEND(link_message(interface));
    for (int k = 0; k < interface->address_count; k++) {
      APPEND(address_message(interface, &interface->addresses[k], RTM_NEWADDR));
    }
  }
  *bytes = used;
  return to && used > room ? 12 : 0;
}
