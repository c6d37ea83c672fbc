// The one place of this package that calls C. Numbers cross this edge; errors are made above it.
import { addressOf, cString, errno, library, libcNames, pointer } from "@bunnel/ffi";

export { errno };

const libc = library(libcNames("linux").paths, {
  open: { args: ["cstring", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  read: { args: ["i32", "ptr", "i32"], returns: "i32" },
  write: { args: ["i32", "ptr", "i32"], returns: "i32" },
  readv: { args: ["i32", "ptr", "i32"], returns: "i32" },
  writev: { args: ["i32", "ptr", "i32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i64"], returns: "i32" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  poll: { args: ["ptr", "i32", "i32"], returns: "i32" },
  eventfd: { args: ["u32", "i32"], returns: "i32" },
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  send: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  recvfrom: { args: ["i32", "ptr", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  setns: { args: ["i32", "i32"], returns: "i32" },
  unshare: { args: ["i32"], returns: "i32" },
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
});

// asm-generic/errno-base.h, asm-generic/errno.h
export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EIO = 5;
export const ENXIO = 6;
export const EBADF = 9;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const EINVAL = 22;
export const ENOTTY = 25;
export const EBADFD = 77;
export const EMSGSIZE = 90;
export const EOPNOTSUPP = 95;
export const EAFNOSUPPORT = 97;
export const ENOBUFS = 105;

// asm-generic/fcntl.h
const O_RDONLY = 0;
const O_RDWR = 2;
const O_NONBLOCK = 0x800;
const O_CLOEXEC = 0x80000;
const F_GETFL = 3;
const F_SETFL = 4;

/** An EINTR says only that a signal came; the call is made again this often before the caller hears of it. */
export const EINTR_RETRIES_MAX = 64;

/** The result of a call, made again while a signal interrupts it. Negative: read `errno`. */
function again(call: () => number): number {
  let result = call();
  for (let i = 0; i < EINTR_RETRIES_MAX && result < 0 && errno() === EINTR; i++) result = call();
  return result;
}

/** A descriptor, or -1 and errno. */
export function openReadOnly(path: string): number {
  return again(() => libc().open(cString(path), O_RDONLY | O_CLOEXEC));
}

/** A non-blocking descriptor for reading and writing, or -1 and errno. */
export function openNonBlocking(path: string): number {
  return again(() => libc().open(cString(path), O_RDWR | O_NONBLOCK | O_CLOEXEC));
}

/** Closes it. After EINTR Linux has closed it all the same, so there is no second try. */
export function closeFd(fd: number): void {
  libc().close(fd);
}

/** Whether calls on a descriptor come back at once; undefined: it is none, errno says why. */
export function isNonBlocking(fd: number): boolean | undefined {
  const flags = libc().fcntl(fd, F_GETFL, 0);
  return flags < 0 ? undefined : (flags & O_NONBLOCK) !== 0;
}

/** Makes calls on a descriptor, and on those that share its file, come back at once or wait; 0, or the errno. */
export function setNonBlocking(fd: number, isOn: boolean): number {
  const flags = libc().fcntl(fd, F_GETFL, 0);
  if (flags < 0) return errno();
  return libc().fcntl(fd, F_SETFL, isOn ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0 ? errno() : 0;
}

// --- devices: linux/if.h, linux/if_tun.h ---

/** An ioctl whose argument is memory; 0, or the errno. */
export function ioctlMemory(fd: number, request: number, memory: Uint8Array): number {
  return libc().ioctl(fd, request, pointer(addressOf(memory))) < 0 ? errno() : 0;
}

/** An ioctl whose argument is the number itself; 0, or the errno. */
export function ioctlNumber(fd: number, request: number, number: number): number {
  return libc().ioctl(fd, request, pointer(number)) < 0 ? errno() : 0;
}

/** An ioctl that answers with a descriptor; -1 and errno. */
export function ioctlDescriptor(fd: number, request: number): number {
  return libc().ioctl(fd, request, pointer(0));
}

/** The two calls of the packet path. Only 32-bit and address arguments: those take the fast way through FFI. */
export interface PacketCalls {
  read(fd: number, at: number, bytes: number): number;
  write(fd: number, at: number, bytes: number): number;
}

export function packetCalls(): PacketCalls {
  const { read, write } = libc();
  return {
    read: read as unknown as PacketCalls["read"],
    write: write as unknown as PacketCalls["write"],
  };
}

/**
 * One packet in several pieces (sys/uio.h struct iovec).
 *
 *   | address u64 | octets u64 | …
 */
export class Pieces {
  readonly #words: Uint32Array;
  readonly #address: number;

  constructor(readonly piecesMax: number) {
    this.#words = new Uint32Array(new ArrayBuffer(piecesMax * 16));
    this.#address = addressOf(this.#words);
  }

  /** Octets that were read into `parts`, in order; -1 and errno. */
  read(fd: number, parts: readonly Uint8Array[]): number {
    return libc().readv(fd, pointer(this.#address), this.#put(parts));
  }

  /** Octets of `parts`, in order, that were written; -1 and errno. */
  write(fd: number, parts: readonly Uint8Array[]): number {
    return libc().writev(fd, pointer(this.#address), this.#put(parts));
  }

  /** How many of the parts are not empty: an empty one has no address. */
  #put(parts: readonly Uint8Array[]): number {
    let count = 0;
    for (const part of parts) {
      if (part.length === 0) continue;
      const address = addressOf(part);
      this.#words[count * 4] = address;
      this.#words[count * 4 + 1] = address / 0x1_0000_0000;
      this.#words[count * 4 + 2] = part.length;
      this.#words[count * 4 + 3] = 0;
      count++;
    }
    return count;
  }
}

// --- waiting: poll.h, sys/eventfd.h ---

export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLERR = 8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;
const EFD_NONBLOCK = O_NONBLOCK;
const EFD_CLOEXEC = O_CLOEXEC;

/** An event counter at zero, non-blocking, or -1 and errno. */
export function openEvent(): number {
  return libc().eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

const ONE = new BigUint64Array([1n]);
const drained = new BigUint64Array(1);

/** Makes the event readable. A counter that is full is readable already. */
export function raiseEvent(fd: number): void {
  libc().write(fd, ONE, 8);
}

/** Makes the event not readable; true when it was. */
export function lowerEvent(fd: number): boolean {
  return libc().read(fd, drained, 8) === 8;
}

/**
 * Descriptors to poll, in memory that stays where it is. `poll` answers how many are ready, or -1 and errno.
 *
 *   | fd i32 | events i16 | revents i16 | …
 */
export class PollSet {
  readonly #words: Int32Array;
  readonly #address: number;
  readonly #call = libc().poll;

  constructor(readonly places: number) {
    this.#words = new Int32Array(new ArrayBuffer(places * 8));
    this.#address = addressOf(this.#words);
    for (let place = 0; place < places; place++) this.set(place, -1);
  }

  /** Waits for POLL* `events` at `fd`; -1: the place is empty and the kernel passes over it. */
  set(place: number, fd: number, events = POLLIN): void {
    this.#words[place * 2] = fd;
    this.#words[place * 2 + 1] = events;
  }

  /** What poll found at a place: POLL* bits. */
  found(place: number): number {
    return (this.#words[place * 2 + 1] ?? 0) >>> 16;
  }

  /** Looks at the first `places` only. */
  poll(timeoutMs: number, places = this.places): number {
    return this.#call(pointer(this.#address), places, timeoutMs);
  }
}

// --- sockets: sys/socket.h, linux/netlink.h ---

const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = O_CLOEXEC;
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_RCVTIMEO = 20;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
const SOCKADDR_NL_BYTES = 12;

/** A netlink socket, or -1 and errno. */
export function openNetlink(protocol: number): number {
  return libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
}

/** Binds to a port that the kernel picks and to legacy multicast groups (a bit mask); 0, or the errno. */
export function bindNetlink(fd: number, groups: number): number {
  const address = new Uint8Array(SOCKADDR_NL_BYTES);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(8, groups >>> 0, true);
  return libc().bind(fd, address, address.length) < 0 ? errno() : 0;
}

/** An int option; 0, or the errno. */
export function setOption(fd: number, level: number, name: number, value: number): number {
  return libc().setsockopt(fd, level, name, new Int32Array([value]), 4) < 0 ? errno() : 0;
}

/** An int option of the socket layer; 0, or the errno. */
export function setSocketOption(fd: number, name: number, value: number): number {
  return setOption(fd, SOL_SOCKET, name, value);
}

/** False for what is no socket, too. */
export function isStreamSocket(fd: number): boolean {
  const type = new Int32Array(1);
  const found = libc().getsockopt(fd, SOL_SOCKET, SO_TYPE, type, Int32Array.of(4)) === 0;
  return found && type[0] === SOCK_STREAM;
}

/** How long a receive blocks at most; 0, or the errno. */
export function setReceiveTimeout(fd: number, timeoutMs: number): number {
  const time = new BigInt64Array([BigInt(Math.trunc(timeoutMs / 1000)), BigInt(timeoutMs % 1000) * 1000n]);
  return libc().setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, time, 16) < 0 ? errno() : 0;
}

/** Octets sent, or -1 and errno. */
export function sendOctets(fd: number, octets: Uint8Array): number {
  return again(() => libc().send(fd, octets, octets.length, 0));
}

/** A receive's memory: one datagram, and the address it came from. */
export class ReceiveBuffer {
  readonly #octets: Uint8Array;
  readonly #sender = new Uint8Array(new ArrayBuffer(SOCKADDR_NL_BYTES));
  readonly #senderBytes = new Int32Array(new ArrayBuffer(4));

  constructor(readonly bytes: number) {
    this.#octets = new Uint8Array(new ArrayBuffer(bytes));
  }

  /** The datagram's whole length, also where it was cut to this buffer's; -1 and errno. */
  receive(fd: number, blocking: boolean): number {
    this.#senderBytes[0] = SOCKADDR_NL_BYTES;
    const flags = MSG_TRUNC | (blocking ? 0 : MSG_DONTWAIT);
    return again(() => libc().recvfrom(fd, this.#octets, this.bytes, flags, this.#sender, this.#senderBytes));
  }

  /** The port that sent the last datagram; 0 is the kernel. */
  get senderPort(): number {
    return new DataView(this.#sender.buffer).getUint32(4, true);
  }

  octets(length: number): Uint8Array {
    return this.#octets.subarray(0, length);
  }
}

// --- namespaces and processes: sched.h, linux/prctl.h ---

const CLONE_NEWNET = 0x40000000;
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/** Gives the calling thread a network namespace of its own; 0, or the errno. */
export function unshareNetwork(): number {
  return libc().unshare(CLONE_NEWNET) < 0 ? errno() : 0;
}

/** Moves the calling thread into a network namespace; 0, or the errno. */
export function enterNetwork(fd: number): number {
  return libc().setns(fd, CLONE_NEWNET) < 0 ? errno() : 0;
}

/** The kernel kills this process when the thread that started it ends; 0, or the errno. */
export function killWithParent(): number {
  return libc().prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ? errno() : 0;
}
