// The system calls of sockets on Linux. Numbers cross this file; errors are made above it. Constants of bits/socket.h,
// asm-generic/socket.h, asm-generic/fcntl.h, netinet/in.h, netinet/tcp.h, sys/epoll.h, linux/sockios.h.
import { read } from "bun:ffi";
import { addressOf, cString, errno, libcNames, library, pointer } from "@bunnel/ffi";

export { addressOf, errno, errnoName } from "@bunnel/ffi";

/** A number that the system wrote at an address, little endian. */
export function readWord(address: number, offset: number): number {
  return read.u32(address, offset);
}

export const AF_INET = 2;
export const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const MSG_OOB = 1;
const MSG_PEEK = 2;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;

const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_KEEPALIVE = 9;
const SO_LINGER = 13;
const SO_BINDTODEVICE = 25;
const SO_MARK = 36;
const IPPROTO_IP = 0;
const IPPROTO_ICMP = 1;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const IPPROTO_ICMPV6 = 58;
const IP_TTL = 2;
const IP_FREEBIND = 15;
const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;

const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;
const SPLICE_F_MORE = 4;
const F_SETPIPE_SZ = 1031;
const O_NONBLOCK = 0x800;
const O_CLOEXEC = 0x80000;
const SIOCOUTQNSD = 0x894b;
const MFD_CLOEXEC = 1;
const EPOLL_CLOEXEC = 0x80000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const RLIMIT_NOFILE = 7;

/** struct epoll_event of linux/eventpoll.h: packed on x86-64 alone. */
export const EPOLL_EVENT_BYTES = process.arch === "x64" ? 12 : 16;
export const EPOLLIN = 1;
export const EPOLLOUT = 4;
export const EPOLLERR = 8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
export const EPOLLET = 0x8000_0000;

// asm-generic/errno-base.h, asm-generic/errno.h
export const EPERM = 1;
export const EINTR = 4;
export const EAGAIN = 11;
export const EACCES = 13;
export const EEXIST = 17;
export const ENFILE = 23;
export const EMFILE = 24;
export const EADDRINUSE = 98;
export const ENETUNREACH = 101;
export const ECONNRESET = 104;
export const ETIMEDOUT = 110;
export const ECONNREFUSED = 111;
export const EHOSTUNREACH = 113;
export const EINPROGRESS = 115;

const libc = library(libcNames("linux").paths, {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "i32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  accept4: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "i32"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  recv: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  send: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  recvfrom: { args: ["i32", "ptr", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "i32", "i32", "ptr", "i32"], returns: "i32" },
  splice: { args: ["i32", "ptr", "i32", "ptr", "i32", "i32"], returns: "i32" },
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  shutdown: { args: ["i32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  read: { args: ["i32", "ptr", "i32"], returns: "i32" },
  write: { args: ["i32", "ptr", "i32"], returns: "i32" },
  pwrite: { args: ["i32", "ptr", "u64", "i64"], returns: "i32" },
  sendfile: { args: ["i32", "i32", "ptr", "u64"], returns: "i32" },
  memfd_create: { args: ["ptr", "u32"], returns: "i32" },
  eventfd: { args: ["u32", "i32"], returns: "i32" },
  epoll_create1: { args: ["i32"], returns: "i32" },
  epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  epoll_wait: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  getrlimit: { args: ["i32", "ptr"], returns: "i32" },
  setrlimit: { args: ["i32", "ptr"], returns: "i32" },
});

const NOTHING = pointer(0);
// The just-in-time compiler does not know that calls read and write memory. A store that another one follows may never
// happen, whatever call stands between; an element reads as what was last stored there, whatever call has written it.
// So what the system reads is stored once in an array of its own, and what it writes is read through its address.
/** `struct linger` {1, 0}, and a count of 1 for an eventfd. */
const one = Int32Array.of(1, 0);
/** `struct linger` {0, 0}. */
const none = Int32Array.of(0, 0);
const numbers = new Map<number, Int32Array>();

/** The address of an `int` of that value, which stays as it is. */
function numberAt(value: number) {
  const known = numbers.get(value);
  if (known !== undefined) return pointer(addressOf(known));
  const made = Int32Array.of(value);
  numbers.set(value, made);
  return pointer(addressOf(made));
}

/** For the system to write: `int`, a pipe's ends, eventfd's count. */
const answered = new Int32Array(4);
const answeredAt = pointer(addressOf(answered));
/** A `socklen_t`, which the system reads and writes: another one for each call. */
let latestSize = new Int32Array(1);

function sizeOf(bytes: number) {
  latestSize = Int32Array.of(bytes);
  return pointer(addressOf(latestSize));
}

/** Opens what the calls below need, so that no library is opened between a call that fails and its errno. */
export function prepare(): void {
  libc();
  errno();
}

/** A TCP socket that does not block, or -1. */
export function streamSocket(family: number): number {
  return libc().socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/** A UDP socket that does not block, or -1. */
export function datagramSocket(family: number): number {
  return libc().socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/** A ping socket (icmp(7)), or -1: the group must be in net.ipv4.ping_group_range. */
export function echoSocket(family: number): number {
  const protocol = family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  return libc().socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

/** 0, or the errno. */
export function bindTo(fd: number, address: Uint8Array): number {
  return libc().bind(fd, pointer(addressOf(address)), address.length) < 0 ? errno() : 0;
}

/** 0, or the errno. */
export function listenOn(fd: number, backlog: number): number {
  return libc().listen(fd, backlog) < 0 ? errno() : 0;
}

/** The accepted connection's descriptor, or -1; `peer` has room for a sockaddr of either family. */
export function acceptFrom(fd: number, peerAt: number, peerBytes: number): number {
  return libc().accept4(fd, pointer(peerAt), sizeOf(peerBytes), SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/** 0, or the errno: EINPROGRESS while it connects. */
export function connectTo(fd: number, address: Uint8Array): number {
  return libc().connect(fd, pointer(addressOf(address)), address.length) < 0 ? errno() : 0;
}

/** Writes the socket's own address. 0, or the errno. */
export function localAddress(fd: number, into: Uint8Array): number {
  return libc().getsockname(fd, pointer(addressOf(into)), sizeOf(into.length)) < 0 ? errno() : 0;
}

function word(index: number): number {
  // Asked for each time, so that the array stays in use: an address keeps nothing alive.
  return read.i32(addressOf(answered), index * 4);
}

function setOption(fd: number, level: number, option: number, value: number): number {
  return libc().setsockopt(fd, level, option, numberAt(value), 4) < 0 ? errno() : 0;
}

export function setReuse(fd: number): number {
  return setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
}

/** An address may be bound that no interface has yet. */
export function setFreeBind(fd: number): number {
  return setOption(fd, IPPROTO_IP, IP_FREEBIND, 1);
}

export function setIpv6Only(fd: number): number {
  return setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

/** Sends leave at once, each in segments of its own. */
export function setNoDelay(fd: number): number {
  return setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

export function setMark(fd: number, mark: number): number {
  return setOption(fd, SOL_SOCKET, SO_MARK, mark);
}

export function setDevice(fd: number, _family: number, name: string): number {
  const text = cString(name);
  return libc().setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, pointer(addressOf(text)), text.length) < 0 ? errno() : 0;
}

/** The hop limit of what is sent from now on; -1: the system's own. */
export function setHops(fd: number, family: number, hops: number): number {
  return family === AF_INET
    ? setOption(fd, IPPROTO_IP, IP_TTL, hops)
    : setOption(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops);
}

export function setBuffers(fd: number, bytes: number): void {
  setOption(fd, SOL_SOCKET, SO_SNDBUF, bytes);
  setOption(fd, SOL_SOCKET, SO_RCVBUF, bytes);
}

/** After so many seconds of silence the other side is asked whether it is there; without an answer it is not. */
export function setKeepAlive(fd: number, seconds: number): number {
  return setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds) || setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/** Whether closing, however it comes about, sends an RST and drops what was not sent; else it ends in order. */
export function setAbort(fd: number, aborts: boolean): void {
  libc().setsockopt(fd, SOL_SOCKET, SO_LINGER, pointer(addressOf(aborts ? one : none)), one.byteLength);
}

/** The error that waits at a socket, and takes it away; 0: none. */
export function takeError(fd: number): number {
  return libc().getsockopt(fd, SOL_SOCKET, SO_ERROR, answeredAt, sizeOf(4)) < 0 ? errno() : word(0);
}

/** Octets of a TCP socket that were never sent; -1 where the system does not say. */
export function unsentBytes(fd: number): number {
  return libc().ioctl(fd, SIOCOUTQNSD, answeredAt) < 0 ? -1 : word(0);
}

/** How many octets, 0 at the end, or -1. */
export function receive(fd: number, at: number, bytes: number): number {
  return libc().recv(fd, pointer(at), bytes, 0);
}

/** As `receive`, and they stay there. */
export function peek(fd: number, at: number, bytes: number): number {
  return libc().recv(fd, pointer(at), bytes, MSG_PEEK);
}

/** How many octets, or -1. */
export function send(fd: number, at: number, bytes: number): number {
  return libc().send(fd, pointer(at), bytes, MSG_NOSIGNAL);
}

/** As `send`; the last octet is urgent. */
export function sendUrgent(fd: number, at: number, bytes: number): number {
  return libc().send(fd, pointer(at), bytes, MSG_NOSIGNAL | MSG_OOB);
}

/** How many octets, or -1; writes the sender's sockaddr. */
export function receiveFrom(fd: number, at: number, bytes: number, peerAt: number, peerBytes: number): number {
  return libc().recvfrom(fd, pointer(at), bytes, MSG_DONTWAIT, pointer(peerAt), sizeOf(peerBytes));
}

/** How many octets, or -1. */
export function sendTo(fd: number, at: number, bytes: number, peer: Uint8Array): number {
  return libc().sendto(fd, pointer(at), bytes, MSG_NOSIGNAL | MSG_DONTWAIT, pointer(addressOf(peer)), peer.length);
}

/** Moves octets between a socket and a pipe. How many, 0 at the end, or -1. */
export function spliceOctets(from: number, to: number, bytes: number, isMore: boolean): number {
  const flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (isMore ? SPLICE_F_MORE : 0);
  return libc().splice(from, NOTHING, to, NOTHING, bytes, flags);
}

/** A pipe's two ends and its size, or undefined. */
export function openPipe(bytes: number): readonly [read: number, write: number, bytes: number] | undefined {
  if (libc().pipe2(answeredAt, O_NONBLOCK | O_CLOEXEC) < 0) return undefined;
  const reading = word(0);
  const writing = word(1);
  const size = libc().fcntl(writing, F_SETPIPE_SZ, bytes);
  // What a pipe has without asking (pipe(7)).
  return [reading, writing, size < 0 ? 65536 : size];
}

export function shutdownWrite(fd: number): void {
  libc().shutdown(fd, SHUT_WR);
}

export function closeFile(fd: number): void {
  libc().close(fd);
}

/** A file in memory, or -1. */
export function memoryFile(): number {
  const name = cString("bunnel");
  return libc().memfd_create(pointer(addressOf(name)), MFD_CLOEXEC);
}

/** Writes all octets to the start of a file. 0, or the errno. */
export function overwrite(fd: number, octets: Uint8Array): number {
  return libc().pwrite(fd, pointer(addressOf(octets)), BigInt(octets.length), 0n) < octets.length ? errno() : 0;
}

/** Sends from a file's position, page by page, without a copy. How many octets, or -1. */
export function sendFile(to: number, from: number, bytes: number): number {
  return libc().sendfile(to, from, NOTHING, BigInt(bytes));
}

/** An eventfd that does not block, or -1. */
export function openSignal(): number {
  return libc().eventfd(0, O_NONBLOCK | O_CLOEXEC);
}

export function raiseSignal(fd: number): void {
  libc().write(fd, pointer(addressOf(one)), one.byteLength);
}

export function clearSignal(fd: number): void {
  libc().read(fd, answeredAt, 8);
}

/** An epoll descriptor, or -1. */
export function openEpoll(): number {
  return libc().epoll_create1(EPOLL_CLOEXEC);
}

/** `event`: a struct epoll_event of its own. 0, or the errno. */
export function epollAdd(epoll: number, fd: number, event: Uint8Array): number {
  return libc().epoll_ctl(epoll, EPOLL_CTL_ADD, fd, pointer(addressOf(event))) < 0 ? errno() : 0;
}

/** 0, or the errno. */
export function epollRemove(epoll: number, fd: number): number {
  return libc().epoll_ctl(epoll, EPOLL_CTL_DEL, fd, answeredAt) < 0 ? errno() : 0;
}

/** How many events, or -1. */
export function epollWait(epoll: number, eventsAt: number, count: number, timeoutMs: number): number {
  return libc().epoll_wait(epoll, pointer(eventsAt), count, timeoutMs);
}

/** Raises how many descriptors the process may have to `wanted`, or as far as it may. How many it may have now. */
export function raiseFileLimit(wanted: number): number {
  const limit = new BigUint64Array(2);
  const at = pointer(addressOf(limit));
  if (libc().getrlimit(RLIMIT_NOFILE, at) < 0) return 1024;
  const soft = read.u64(at, 0);
  const hard = read.u64(at, 8);
  if (soft >= BigInt(wanted)) return Number(soft);
  limit[0] = BigInt(wanted);
  if (hard < BigInt(wanted)) {
    // With CAP_SYS_RESOURCE past the hard limit.
    limit[1] = BigInt(wanted);
    if (libc().setrlimit(RLIMIT_NOFILE, at) === 0) return wanted;
    limit[0] = hard;
    limit[1] = hard;
  }
  return libc().setrlimit(RLIMIT_NOFILE, at) === 0 ? Number(limit[0]) : Number(soft);
}
