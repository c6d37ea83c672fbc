// The system calls with which a thread has a descriptor table of its own, and gets descriptors from another thread.
// Numbers cross this file. Constants of linux/close_range.h, asm-generic/unistd.h, bits/socket.h, asm-generic/socket.h.
//
// What the system reads is stored once, in memory of its own, and what it writes is read through its address: see
// ../sys.ts.
import { read } from "bun:ffi";
import { addressOf, errno, libcNames, library, pointer } from "@bunnel/ffi";

/** The same number on every architecture (asm-generic/unistd.h). */
const SYS_CLOSE_RANGE = 436;
const CLOSE_RANGE_UNSHARE = 2;
const LAST_DESCRIPTOR = 0xffff_ffff;

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_REUSEPORT = 15;
const SO_ATTACH_REUSEPORT_CBPF = 51;
const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

/** asm/unistd_64.h, asm-generic/unistd.h */
const SYS_CAPSET = process.arch === "arm64" ? 91 : 126;
/** linux/capability.h */
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;

const libc = library(libcNames("linux").paths, {
  syscall: { args: ["i64", "i64", "i64", "i64"], returns: "i64" },
  socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  sendmsg: { args: ["i32", "ptr", "i32"], returns: "i64" },
  recvmsg: { args: ["i32", "ptr", "i32"], returns: "i64" },
});

/** What the system was given last: an address keeps nothing alive. */
const latest: { memory?: ArrayBufferLike } = {};

/** Opens what the calls below need. */
export function prepareTable(): void {
  libc();
  errno();
}

function closeRange(first: number, last: number, flags: number): number {
  return Number(libc().syscall(SYS_CLOSE_RANGE, first, last, flags)) < 0 ? errno() : 0;
}

/** Closes descriptors from `first` to `last`. 0, or the errno. */
export function closeBetween(first: number, last: number): number {
  return first > last ? 0 : closeRange(first, last, 0);
}

/**
 * From now on the calling thread has a descriptor table of its own: a copy of that of the process, up to `last`.
 * 0, or the errno: ENOSYS before Linux 5.9.
 */
export function copyTable(last: number): number {
  return closeRange(last + 1, LAST_DESCRIPTOR, CLOSE_RANGE_UNSHARE);
}

/** The calling thread has no capabilities from now on, nor has what it starts. 0, or the errno. */
export function giveUpCapabilities(): number {
  // struct __user_cap_header_struct for this thread, and two of __user_cap_data_struct (linux/capability.h)
  const header = Uint32Array.of(LINUX_CAPABILITY_VERSION_3, 0);
  const none = new Uint32Array(6);
  const failed = Number(libc().syscall(SYS_CAPSET, addressOf(header), addressOf(none), 0)) < 0;
  latest.memory = header.buffer;
  latest.memory = none.buffer;
  return failed ? errno() : 0;
}

/** Both ends of a connection that keeps messages apart and does not block, or undefined. */
export function openPair(): readonly [number, number] | undefined {
  const ends = new Int32Array(2);
  const at = addressOf(ends);
  if (libc().socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pointer(at)) < 0) return undefined;
  const both = [read.i32(at, 0), read.i32(at, 4)] as const;
  latest.memory = ends.buffer;
  return both;
}

/** Other sockets may listen on the same address. 0, or the errno. */
export function setReusePort(fd: number): number {
  const on = Int32Array.of(1);
  const failed = libc().setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, pointer(addressOf(on)), on.byteLength) < 0;
  latest.memory = on.buffer;
  return failed ? errno() : 0;
}

/** `program`: struct sock_filter of linux/filter.h, eight octets an instruction. 0, or the errno. */
export function setPortChoice(fd: number, program: Uint8Array<ArrayBuffer>): number {
  // struct sock_fprog: | instructions u16 | … | address u64 |
  const filter = new BigUint64Array([BigInt(program.length / 8), BigInt(addressOf(program))]);
  const at = pointer(addressOf(filter));
  const failed = libc().setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, at, filter.byteLength) < 0;
  latest.memory = program.buffer;
  return failed ? errno() : 0;
}

// struct msghdr, its one piece, four octets of it, and one descriptor beside them (bits/socket.h, 64 bits):
//   | name u64 | … u64 | pieces u64 | 1 u64 | beside u64 | its octets u64 | flags u64 || at u64 | octets u64 |
//   | tag u32 | … | octets u64 | level u32 | type u32 | descriptor i32 | … |
const MESSAGE_BYTES = 112;
const PIECE_AT = 56;
const TAG_AT = 72;
const BESIDE_AT = 80;
const BESIDE_BYTES = 24;
/** CMSG_LEN(4) */
const RIGHTS_BYTES = 20;
const DESCRIPTOR_AT = BESIDE_AT + 16;
const CONTROL_BYTES_AT = 40;

/** Gives a copy of the descriptor to whoever has the other end, with a number. 0, or the errno. */
export function sendDescriptor(socket: number, fd: number, tag: number): number {
  const message = new ArrayBuffer(MESSAGE_BYTES);
  const at = describeMessage(message);
  const view = new DataView(message);
  view.setUint32(TAG_AT, tag, true);
  view.setBigUint64(BESIDE_AT, BigInt(RIGHTS_BYTES), true);
  view.setInt32(BESIDE_AT + 8, SOL_SOCKET, true);
  view.setInt32(BESIDE_AT + 12, SCM_RIGHTS, true);
  view.setInt32(DESCRIPTOR_AT, fd, true);
  const failed = Number(libc().sendmsg(socket, pointer(at), MSG_NOSIGNAL)) < 0;
  latest.memory = message;
  return failed ? errno() : 0;
}

/** The next descriptor and its number; -1 for one that this thread has no room for; undefined: none waits. */
export function receiveDescriptor(socket: number): { readonly tag: number; readonly fd: number } | undefined {
  const message = new ArrayBuffer(MESSAGE_BYTES);
  const at = describeMessage(message);
  const got = Number(libc().recvmsg(socket, pointer(at), MSG_CMSG_CLOEXEC));
  const isWhole = read.u64(at, CONTROL_BYTES_AT) >= BigInt(RIGHTS_BYTES);
  const received = { tag: read.u32(at, TAG_AT), fd: isWhole ? read.i32(at, DESCRIPTOR_AT) : -1 };
  latest.memory = message;
  return got < 4 ? undefined : received;
}

/** Fills in what is the same in both directions. The message's address. */
function describeMessage(message: ArrayBuffer): number {
  const at = addressOf(new Uint8Array(message));
  const view = new DataView(message);
  view.setBigUint64(16, BigInt(at + PIECE_AT), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, BigInt(at + BESIDE_AT), true);
  view.setBigUint64(CONTROL_BYTES_AT, BigInt(BESIDE_BYTES), true);
  view.setBigUint64(PIECE_AT, BigInt(at + TAG_AT), true);
  view.setBigUint64(PIECE_AT + 8, 4n, true);
  return at;
}
