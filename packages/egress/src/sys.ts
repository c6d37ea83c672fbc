// The system calls of raw sockets on Linux. Numbers cross this file; errors are made above it.
import { addressOf, errno, libcNames, library, pointer } from "@bunnel/ffi";

export { addressOf, errno, errnoName } from "@bunnel/ffi";

// bits/socket.h, netinet/in.h
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const SOCK_NONBLOCK = 0x800;
const IPPROTO_RAW = 255;
const MSG_DONTWAIT = 0x40;

// asm-generic/socket.h
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_MARK = 36;
const SO_PROTOCOL = 38;

// linux/in6.h
const IPPROTO_IPV6 = 41;
const IPV6_HDRINCL = 36;

// asm-generic/fcntl.h, linux/fcntl.h
const F_DUPFD_CLOEXEC = 1030;

// asm-generic/errno-base.h, asm-generic/errno.h
export const EPERM = 1;
export const EINTR = 4;
export const EBADF = 9;
export const EAGAIN = 11;
export const EINVAL = 22;
export const EAFNOSUPPORT = 97;
export const ENOBUFS = 105;

const libc = library(libcNames("linux").paths, {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  sendmmsg: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

/** Opens what the calls below need, so that no library is opened between a call that fails and its errno. */
export function prepare(): void {
  libc();
  errno();
}

/** A raw IPv4 socket that sends packets with their own header (raw(7): IPPROTO_RAW), or -1. */
export function rawSocket4(): number {
  return libc().socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
}

/** A raw IPv6 socket, or -1; `includeHeader6` must follow. */
export function rawSocket6(): number {
  return libc().socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
}

/** Packets of this IPv6 socket bring their own header. 0, or the errno. */
export function includeHeader6(fd: number): number {
  return setOption(fd, IPPROTO_IPV6, IPV6_HDRINCL, 1);
}

/** All that the socket sends carries `mark`. 0, or the errno. */
export function setMark(fd: number, mark: number): number {
  return setOption(fd, SOL_SOCKET, SO_MARK, mark);
}

/** Asks for a send buffer past the system's limit, and without the privilege for that, up to it. 0, or the errno. */
export function setSendBuffer(fd: number, bytes: number): number {
  if (setOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, bytes) === 0) return 0;
  return setOption(fd, SOL_SOCKET, SO_SNDBUF, bytes);
}

/** The smallest receive buffer: nobody reads here, so packets of protocol 255 shall not pile up. 0, or the errno. */
export function shrinkReceiveBuffer(fd: number): number {
  return setOption(fd, SOL_SOCKET, SO_RCVBUF, 0);
}

/** Whether the descriptor is a raw socket as `rawSocket4` and `rawSocket6` make them, with this mark. */
export function isRawSocket(fd: number, mark: number): boolean {
  return (
    getOption(fd, SO_TYPE) === SOCK_RAW && getOption(fd, SO_PROTOCOL) === IPPROTO_RAW && getOption(fd, SO_MARK) === mark
  );
}

/** A second descriptor of the same socket, or -1. */
export function duplicate(fd: number): number {
  return libc().fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/** Sends up to `count` of the messages at the machine address `messages`. How many, or -1. */
export function sendMany(fd: number, messages: number, count: number): number {
  return libc().sendmmsg(fd, pointer(messages), count, MSG_DONTWAIT);
}

export function closeFile(fd: number): void {
  libc().close(fd);
}

function setOption(fd: number, level: number, option: number, value: number): number {
  const argument = new Int32Array([value]);
  return libc().setsockopt(fd, level, option, pointer(addressOf(argument)), 4) < 0 ? errno() : 0;
}

function getOption(fd: number, option: number): number {
  const value = new Int32Array(1);
  const bytes = new Uint32Array([4]);
  return libc().getsockopt(fd, SOL_SOCKET, option, pointer(addressOf(value)), pointer(addressOf(bytes))) < 0
    ? -1
    : value[0]!;
}
