// System calls of datagrams that are carried on for others, on Linux: raw sockets, options for one datagram, and the
// queue of ICMP errors. Constants of netinet/in.h, linux/in.h, linux/in6.h, linux/icmp.h, linux/icmpv6.h,
// linux/errqueue.h, bits/socket.h.
import { read } from "bun:ffi";
import { addressOf, errno, libcNames, library, pointer } from "@bunnel/ffi";
import { AF_INET, AF_INET6 } from "../sys.ts";

const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const IPPROTO_IP = 0;
const IPPROTO_ICMP = 1;
const IPPROTO_IPV6 = 41;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_RAW = 255;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const ICMPV6_FILTER = 1;
const IPV6_HDRINCL = 36;
const IP_TOS = 1;
const IP_MTU_DISCOVER = 10;
const IP_RECVERR = 11;
const IPV6_MTU_DISCOVER = 23;
const IPV6_RECVERR = 25;
const IPV6_TCLASS = 67;
/** The same numbers in both families. */
const PMTUDISC_DONT = 0;
const PMTUDISC_DO = 2;
const MSG_DONTWAIT = 0x40;
const MSG_ERRQUEUE = 0x2000;

/** RFC 792, RFC 4443 section 4.2. */
const ECHO_REPLY = 0;
const ECHO_REPLY6 = 129;

// asm-generic/errno.h
export const EMSGSIZE = 90;

const libc = library(libcNames("linux").paths, {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  recvmsg: { args: ["i32", "ptr", "i32"], returns: "i32" },
});

const numbers = new Map<number, Int32Array>();

/** An `int` of that value, which stays as it is: what the system reads is stored once. */
function numberOf(value: number): Int32Array {
  const known = numbers.get(value);
  if (known !== undefined) return known;
  const made = Int32Array.of(value);
  numbers.set(value, made);
  return made;
}

function setOption(fd: number, level: number, option: number, value: Int32Array | Uint32Array): number {
  const at = pointer(addressOf(value));
  return libc().setsockopt(fd, level, option, at, value.byteLength) < 0 ? errno() : 0;
}

/** A socket that sends whole packets of a family and hears nothing, or -1. It needs CAP_NET_RAW. */
export function packetSocket(family: number): number {
  const fd = libc().socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
  if (fd >= 0 && family === AF_INET6) setOption(fd, IPPROTO_IPV6, IPV6_HDRINCL, numberOf(1));
  return fd;
}

/** A socket for ICMP messages that hears echo replies alone, and errors; or -1. It needs CAP_NET_RAW. */
export function icmpSocket(family: number): number {
  const protocol = family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  const fd = libc().socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd < 0) return fd;
  if (family === AF_INET) {
    // A bit set is a type that is left out.
    setOption(fd, SOL_RAW, ICMP_FILTER, Uint32Array.of(~(1 << ECHO_REPLY)));
  } else {
    const filter = new Uint32Array(8).fill(0xffff_ffff);
    filter[ECHO_REPLY6 >>> 5] = ~(1 << (ECHO_REPLY6 & 31));
    setOption(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, filter);
  }
  setErrorQueue(fd, family);
  return fd;
}

/** Octets that a socket queues each way: past the limits of the system with CAP_NET_ADMIN, else as far as they go. */
export function setQueueBytes(fd: number, bytes: number): void {
  const value = numberOf(bytes);
  if (setOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, value) !== 0) setOption(fd, SOL_SOCKET, SO_SNDBUF, value);
  if (setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, value) !== 0) setOption(fd, SOL_SOCKET, SO_RCVBUF, value);
}

/** ICMP errors about what the socket sent wait in its queue of errors. */
export function setErrorQueue(fd: number, family: number): number {
  return family === AF_INET
    ? setOption(fd, IPPROTO_IP, IP_RECVERR, numberOf(1))
    : setOption(fd, IPPROTO_IPV6, IPV6_RECVERR, numberOf(1));
}

/** Type of service or traffic class of what is sent from now on. */
export function setService(fd: number, family: number, tos: number): void {
  if (family === AF_INET) setOption(fd, IPPROTO_IP, IP_TOS, numberOf(tos));
  else setOption(fd, IPPROTO_IPV6, IPV6_TCLASS, numberOf(tos));
}

/** Whether what is too big is refused, or cut into fragments. */
export function setDontFragment(fd: number, family: number, dontFragment: boolean): void {
  const value = numberOf(dontFragment ? PMTUDISC_DO : PMTUDISC_DONT);
  if (family === AF_INET) setOption(fd, IPPROTO_IP, IP_MTU_DISCOVER, value);
  else setOption(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, value);
}

/** What the system writes about one error, by where it lies. */
export interface ErrorPlaces {
  /** A sockaddr. */
  readonly name: Uint8Array;
  readonly payload: Uint8Array;
  readonly control: Uint8Array;
}

/** How much of it was written; undefined: no error waits. */
export interface ErrorRead {
  readonly payloadBytes: number;
  readonly controlBytes: number;
}

/** Where a struct msghdr says how much of the control data was written (bits/socket.h). */
const CONTROLLEN_AT = 40;

/** Takes one error out of a socket's queue. */
export function takeQueuedError(fd: number, { name, payload, control }: ErrorPlaces): ErrorRead | undefined {
  const iovec = BigUint64Array.of(BigInt(addressOf(payload)), BigInt(payload.length));
  // name, its size, iovec, one of them, control, its size, flags
  const message = BigUint64Array.of(
    BigInt(addressOf(name)),
    BigInt(name.length),
    BigInt(addressOf(iovec)),
    1n,
    BigInt(addressOf(control)),
    BigInt(control.length),
    0n,
  );
  const bytes = libc().recvmsg(fd, pointer(addressOf(message)), MSG_ERRQUEUE | MSG_DONTWAIT);
  if (bytes < 0) return undefined;
  // Both are asked for once more, so that they stay in use until the call has returned: an address keeps nothing alive.
  const controlBytes = Number(read.u64(pointer(addressOf(message)), CONTROLLEN_AT));
  return { payloadBytes: Math.min(bytes, Number(iovec[1] ?? 0n)), controlBytes };
}
