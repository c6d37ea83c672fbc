// The mark of a socket, on Linux.
import { addressOf, errno, libcNames, library } from "@bunnel/ffi";

// asm-generic/socket.h
const SOL_SOCKET = 1;
const SO_MARK = 36;

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
// asm-generic/errno.h
const EINPROGRESS = 115;

const libc = library(libcNames("linux").paths, {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  connect: { args: ["i32", "i64", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "i64", "u32"], returns: "i32" },
});

/**
 * A TCP connection on its way to an address of four or sixteen octets, whose packets carry the mark: its descriptor, or
 * the errno as a negative number.
 */
export function connectMarked(address: Uint8Array, port: number, mark: number): number {
  const isIpv4 = address.length === 4;
  // sockaddr_in of netinet/in.h, sockaddr_in6 of linux/in6.h
  const sockaddr = new Uint8Array(isIpv4 ? 16 : 28);
  const view = new DataView(sockaddr.buffer);
  view.setUint16(0, isIpv4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  sockaddr.set(address, isIpv4 ? 4 : 8);
  const fd = libc().socket(isIpv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno();
  let failed = mark === 0 ? 0 : setMark(fd, mark);
  if (failed === 0 && libc().connect(fd, addressOf(sockaddr), sockaddr.length) < 0) failed = errno();
  if (failed === 0 || failed === EINPROGRESS) return fd;
  libc().close(fd);
  return -failed;
}

/** Packets of this socket carry the mark. 0, or the errno; it needs CAP_NET_ADMIN. */
export function setMark(descriptor: number, mark: number): number {
  const value = Uint32Array.of(mark);
  return libc().setsockopt(descriptor, SOL_SOCKET, SO_MARK, addressOf(value), 4) < 0 ? errno() : 0;
}
