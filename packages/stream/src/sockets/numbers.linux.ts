// bits/socket.h, asm-generic/socket.h, linux/in.h, linux/in6.h, asm-generic/fcntl.h.
import { libcNames } from "@bunnel/ffi";
import { POSIX_POLL, type SocketNumbers } from "./numbers.ts";

const SOL_SOCKET = 1;

export const LINUX: SocketNumbers = {
  platform: "linux",
  ...nameLibraries(),
  isVariadicPadded: false,
  AF_INET6: 10,
  hasAddressLength: false,
  SOL_SOCKET,
  SO_REUSEADDR: 2,
  SO_ERROR: 4,
  SO_LINGER: 13,
  SO_KEEPALIVE: 9,
  TCP_KEEPIDLE: 4,
  IP_TTL: 2,
  IPV6_UNICAST_HOPS: 16,
  IPV6_V6ONLY: 26,
  IP_FREEBIND: 15,
  MSG_NOSIGNAL: 0x4000,
  O_NONBLOCK: 0x800,
  RLIMIT_NOFILE: 7,
  polling: POSIX_POLL,
  // SO_MARK and SO_BINDTODEVICE.
  outside: { mark: [SOL_SOCKET, 36], deviceName: [SOL_SOCKET, 25] },
  errors: {},
};

function nameLibraries(): Pick<SocketNumbers, "libraries" | "errnoLocation"> {
  const { paths, errnoLocation } = libcNames("linux");
  return { libraries: paths, errnoLocation };
}
