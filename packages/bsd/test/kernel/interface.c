// Requests to interfaces: flags, MTU, addresses, names, creation. Structs are read by the tables' offsets alone.
// Refusals as in xnu bsd/net/if.c, bsd/netinet/in.c, bsd/netinet6/in6.c and their like in the BSDs.
#include <stdio.h>
#include <string.h>
#include "kernel.h"

#define UP 0x1
#define POINTOPOINT 0x10
#define RUNNING 0x40
#define MTU_MIN 576
#define MTU_IPV6_MIN 1280
#define NODAD 0x20

static int ones(const uint8_t *mask, int bytes) {
  int count = 0;
  while (count < bytes * 8 && (mask[count / 8] & (0x80 >> (count % 8)))) count++;
  return count;
}

// A socket address of the family, with its own length in it; an empty one is none.
static int inet_at(const uint8_t *at, int family, uint8_t *octets, int *given) {
  *given = at[0] != 0;
  if (!*given) return 0;
  int is_ipv6 = family == 6;
  if (at[0] != (is_ipv6 ? S_sockaddr_in6 : S_sockaddr_in)) return B_EINVAL;
  if (at[1] != (is_ipv6 ? N_AF_INET6 : N_AF_INET)) return B_EINVAL;
  memcpy(octets, at + (is_ipv6 ? O_sockaddr_in6_sin6_addr : O_sockaddr_in_sin_addr), is_ipv6 ? 16 : 4);
  return 0;
}

static int same(const struct address *a, int family, const uint8_t *own) {
  return a->family == family && memcmp(a->own, own, family == 4 ? 4 : 16) == 0;
}

static int tell_linux(int add, const struct interface *interface, const struct address *address) {
  int bytes = address->family == 4 ? 4 : 16;
  // An end that has another end is reached alone; its network is not.
  int point = (interface->flags & POINTOPOINT) && address->has_other;
  int prefix = point ? bytes * 8 : ones(address->mask, bytes);
  const uint8_t *other = point ? address->other : NULL;
  return linux_address(add, interface->index, address->family, address->own, other, prefix);
}

// Linux forgets IPv6 addresses of an interface that goes down; the system does not.
static void restore_addresses(const struct interface *interface) {
  for (int i = 0; i < interface->address_count; i++) {
    if (interface->addresses[i].family == 6) tell_linux(1, interface, &interface->addresses[i]);
  }
}

static int add_address(struct interface *interface, const struct address *address) {
  if (interface->address_count == ADDRESSES_MAX) return B_ENOBUFS;
  int number = tell_linux(1, interface, address);
  if (number) return bsd_errno(number);
  interface->addresses[interface->address_count++] = *address;
  announce_address(interface, address, 1);
  return 0;
}

static int remove_address(struct interface *interface, int family, const uint8_t *own) {
  for (int i = 0; i < interface->address_count; i++) {
    struct address found = interface->addresses[i];
    if (!same(&found, family, own)) continue;
    int number = tell_linux(0, interface, &found);
    if (number) return bsd_errno(number);
    interface->addresses[i] = interface->addresses[--interface->address_count];
    announce_address(interface, &found, 0);
    return 0;
  }
  return B_EADDRNOTAVAIL;
}

static int alias4(struct interface *interface, const uint8_t *argument) {
  struct address address = {.family = 4};
  int given, number = inet_at(argument + O_alias_addr, 4, address.own, &given);
  if (number || !given) return B_EINVAL;
  number = inet_at(argument + O_alias_other, 4, address.other, &address.has_other);
  if (number) return number;
  number = inet_at(argument + O_alias_mask, 4, address.mask, &given);
  if (number || !given) return B_EINVAL;
  // in.c: a point-to-point interface wants the other end.
  if ((interface->flags & POINTOPOINT) && !address.has_other) return B_EINVAL;
  return add_address(interface, &address);
}

static int alias6(struct interface *interface, const uint8_t *argument) {
  struct address address = {.family = 6};
  int given, number = inet_at(argument + O_in6_aliasreq_ifra_addr, 6, address.own, &given);
  if (number || !given) return B_EINVAL;
  number = inet_at(argument + O_in6_aliasreq_ifra_dstaddr, 6, address.other, &address.has_other);
  if (number) return number;
  number = inet_at(argument + O_in6_aliasreq_ifra_prefixmask, 6, address.mask, &given);
  if (number || !given) return B_EINVAL;
  // in6.c: another end only of an address that stands for one host, and only between two points.
  if (address.has_other && (ones(address.mask, 16) != 128 || !(interface->flags & POINTOPOINT))) return B_EINVAL;
  const uint8_t *life = argument + O_in6_aliasreq_ifra_lifetime;
  if (u32(life + O_in6_addrlifetime_ia6t_vltime) == 0) return B_EINVAL;
  // Every other flag would be a number of another system's.
  if (u32(argument + O_in6_aliasreq_ifra_flags) & ~(uint32_t)NODAD) return B_EINVAL;
  if (interface->mtu < MTU_IPV6_MIN) return B_EINVAL;
  return add_address(interface, &address);
}

static int set_mtu(struct interface *interface, const uint8_t *argument) {
  int mtu = (int)u32(argument + 16);
  if (mtu < MTU_MIN || mtu > 65535) return B_EINVAL;
  int number = linux_mtu(interface->name, mtu);
  if (number) return bsd_errno(number);
  interface->mtu = mtu;
  announce_link(interface);
  return 0;
}

static int set_flags(struct interface *interface, const uint8_t *argument) {
  int up = u16(argument + 16) & UP;
  int number = linux_up(interface->name, up);
  if (number) return bsd_errno(number);
  interface->flags = up ? interface->flags | UP | RUNNING : interface->flags & ~(UP | RUNNING);
  struct interface *peer = interface_of(interface->peer);
  if (up && peer && (peer->flags & UP)) {
    linux_await_running(interface->name);
    linux_await_running(peer->name);
  }
  if (up) restore_addresses(interface);
  if (up) restore_routes(interface->index);
  announce_link(interface);
  return 0;
}

static int set_name(struct interface *interface, const uint8_t *argument) {
  const char *to = (const char *)(uintptr_t)u64(argument + 16);
  if (interface_of(to)) return B_EEXIST;
  int number = linux_rename(interface->name, to);
  if (number) return bsd_errno(number);
  for (int i = 0; i < OBJECTS_MAX; i++) {
    if (strncmp(objects[i].name, interface->name, NAME_BYTES) == 0) snprintf(objects[i].name, NAME_BYTES, "%s", to);
  }
  snprintf(interface->name, NAME_BYTES, "%s", to);
  announce_link(interface);
  return 0;
}

static int needs_root(uint64_t request) {
  return (request & 0xc0000000) == 0x80000000 || request == N_SIOCIFCREATE;
}

int interface_ioctl(struct object *object, uint64_t request, uint8_t *argument) {
  if (needs_root(request) && !privileged) return B_EPERM;
  char name[NAME_BYTES];
  memcpy(name, argument, NAME_BYTES);
  if (name[NAME_BYTES - 1]) return B_EINVAL;
  struct interface *interface = interface_of(name);
  if (!interface) return B_ENXIO;
  // Not between the points yet: nothing of Linux stands behind it.
  if (interface->index == 0) return B_EBUSY;
  int is_ipv6 = object->family == N_AF_INET6;
  switch (request) {
    case N_SIOCGIFFLAGS: put16(argument + 16, (uint16_t)interface->flags); return 0;
    case N_SIOCSIFFLAGS: return set_flags(interface, argument);
    case N_SIOCGIFMTU: put32(argument + 16, (uint32_t)interface->mtu); return 0;
    case N_SIOCSIFMTU: return set_mtu(interface, argument);
    case N_SIOCAIFADDR: return is_ipv6 ? B_EINVAL : alias4(interface, argument);
    case N_SIOCAIFADDR_IN6: return is_ipv6 ? alias6(interface, argument) : B_EAFNOSUPPORT;
    case N_SIOCDIFADDR: {
      uint8_t own[16];
      int given, number = inet_at(argument + 16, 4, own, &given);
      if (is_ipv6 || number || !given) return B_EINVAL;
      return remove_address(interface, 4, own);
    }
    case N_SIOCDIFADDR_IN6: {
      uint8_t own[16];
      int given, number = inet_at(argument + 16, 6, own, &given);
      if (!is_ipv6) return B_EAFNOSUPPORT;
      return number || !given ? B_EINVAL : remove_address(interface, 6, own);
    }
#ifdef N_SIOCSIFLLADDR
    case N_SIOCSIFLLADDR:
      if (!interface->is_tap || argument[16] != 6) return B_EINVAL;
      return bsd_errno(linux_mac(name, argument + 18, 1));
#endif
#ifdef N_SIOCSIFNAME
    case N_SIOCSIFNAME: return set_name(interface, argument);
#endif
#ifdef N_SIOCGIFINFO_IN6
    case N_SIOCGIFINFO_IN6: put32(argument + 36, interface->nd_flags); return is_ipv6 ? 0 : B_EAFNOSUPPORT;
    case N_SIOCSIFINFO_IN6: interface->nd_flags = u32(argument + 36); return is_ipv6 ? 0 : B_EAFNOSUPPORT;
#endif
    default: (void)set_name; return B_ENOTTY;
  }
}
