// What macOS and FreeBSD have of 4.4BSD: sys/socket.h, netinet/in.h, netinet6/in6.h, sys/errno.h, sys/fcntl.h.
import { libcNames } from "@bunnel/ffi";
import { POSIX_POLL, type SocketNumbers } from "./numbers.ts";

const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const SOL_SOCKET = 0xffff;

/** sys/errno.h on the left, asm-generic/errno.h on the right. */
const ERRORS: Readonly<Record<number, number>> = {
  35: 11, // EAGAIN
  36: 115, // EINPROGRESS
  37: 114, // EALREADY
  40: 90, // EMSGSIZE
  42: 92, // ENOPROTOOPT
  43: 93, // EPROTONOSUPPORT
  47: 97, // EAFNOSUPPORT
  48: 98, // EADDRINUSE
  49: 99, // EADDRNOTAVAIL
  50: 100, // ENETDOWN
  51: 101, // ENETUNREACH
  53: 103, // ECONNABORTED
  54: 104, // ECONNRESET
  55: 105, // ENOBUFS
  56: 106, // EISCONN
  57: 107, // ENOTCONN
  60: 110, // ETIMEDOUT
  61: 111, // ECONNREFUSED
  64: 112, // EHOSTDOWN
  65: 113, // EHOSTUNREACH
};

const BSD = {
  errnoLocation: "__error",
  hasAddressLength: true,
  SOL_SOCKET,
  SO_REUSEADDR: 4,
  SO_ERROR: 0x1007,
  SO_LINGER: 0x80,
  SO_KEEPALIVE: 8,
  IP_TTL: 4,
  IPV6_UNICAST_HOPS: 4,
  IPV6_V6ONLY: 27,
  O_NONBLOCK: 4,
  RLIMIT_NOFILE: 8,
  polling: POSIX_POLL,
  errors: ERRORS,
} as const;

export const DARWIN: SocketNumbers = {
  ...BSD,
  platform: "darwin",
  libraries: libcNames("darwin").paths,
  isVariadicPadded: process.arch === "arm64",
  AF_INET6: 30,
  TCP_KEEPIDLE: 0x10,
  SO_NOSIGPIPE: 0x1022,
  MSG_NOSIGNAL: 0,
  // OPEN_MAX of sys/syslimits.h: setrlimit(2) refuses more, also where the limit is none.
  filesMax: 10_240,
  // IP_BOUND_IF and IPV6_BOUND_IF.
  outside: {
    deviceIndex: [
      [IPPROTO_IP, 25],
      [IPPROTO_IPV6, 125],
    ],
  },
};

export const FREEBSD: SocketNumbers = {
  ...BSD,
  platform: "freebsd",
  libraries: libcNames("freebsd").paths,
  isVariadicPadded: false,
  AF_INET6: 28,
  TCP_KEEPIDLE: 256,
  MSG_NOSIGNAL: 0x2_0000,
  // SO_USER_COOKIE, which pf and ipfw can ask for.
  outside: { mark: [SOL_SOCKET, 0x1015] },
};
