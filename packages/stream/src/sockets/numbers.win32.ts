// winsock2.h, ws2def.h, ws2ipdef.h, winerror.h.
import type { SocketOptions } from "./numbers.ts";

const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;

/** winerror.h on the left, asm-generic/errno.h on the right. */
const ERRORS: Readonly<Record<number, number>> = {
  10004: 4, // WSAEINTR
  10013: 13, // WSAEACCES
  10022: 22, // WSAEINVAL
  10024: 24, // WSAEMFILE
  10035: 11, // WSAEWOULDBLOCK
  10036: 115, // WSAEINPROGRESS
  10037: 114, // WSAEALREADY
  10038: 88, // WSAENOTSOCK
  10040: 90, // WSAEMSGSIZE
  10042: 92, // WSAENOPROTOOPT
  10043: 93, // WSAEPROTONOSUPPORT
  10045: 95, // WSAEOPNOTSUPP
  10047: 97, // WSAEAFNOSUPPORT
  10048: 98, // WSAEADDRINUSE
  10049: 99, // WSAEADDRNOTAVAIL
  10050: 100, // WSAENETDOWN
  10051: 101, // WSAENETUNREACH
  10052: 102, // WSAENETRESET
  10053: 103, // WSAECONNABORTED
  10054: 104, // WSAECONNRESET
  10055: 105, // WSAENOBUFS
  10056: 106, // WSAEISCONN
  10057: 107, // WSAENOTCONN
  10060: 110, // WSAETIMEDOUT
  10061: 111, // WSAECONNREFUSED
  10064: 112, // WSAEHOSTDOWN
  10065: 113, // WSAEHOSTUNREACH
};

export const WINDOWS: SocketOptions = {
  platform: "win32",
  AF_INET6: 23,
  hasAddressLength: false,
  SOL_SOCKET: 0xffff,
  // SO_EXCLUSIVEADDRUSE: with SO_REUSEADDR anybody may take the address of a listener here.
  SO_REUSEADDR: -5,
  SO_ERROR: 0x1007,
  // struct linger has two shorts here: {1, 0} is the same octets as the first int of two.
  SO_LINGER: 0x80,
  SO_KEEPALIVE: 8,
  TCP_KEEPIDLE: 3,
  IP_TTL: 4,
  IPV6_UNICAST_HOPS: 4,
  IPV6_V6ONLY: 27,
  MSG_NOSIGNAL: 0,
  // POLLRDNORM, POLLWRNORM.
  polling: { entryBytes: 16, POLLIN: 0x100, POLLOUT: 0x10, POLLERR: 1, POLLHUP: 2 },
  // IP_UNICAST_IF and IPV6_UNICAST_IF.
  outside: {
    deviceIndex: [
      [IPPROTO_IP, 31],
      [IPPROTO_IPV6, 31],
    ],
    isIpv4IndexBigEndian: true,
  },
  errors: ERRORS,
};
