// Calls that only the tests of rows need: descriptors that somebody else made, signals for one thread, and what other
// interfaces of the kernel say about a device.
import { cString, errno, errnoName, library, libcNames, addressOf, Struct } from "@bunnel/ffi";

const libc = library(libcNames("linux").paths, {
  open: { args: ["ptr", "i32"], returns: "i32" },
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  send: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  syscall: { args: ["i64", "i64", "i64", "i64"], returns: "i64" },
});

const O_RDWR = 2;
const O_CLOEXEC = 0x80000;
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const AF_UNIX = 1;
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_SEQPACKET = 5;
/** linux/sockios.h, linux/ethtool.h */
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GMSGLVL = 7;
/** asm/unistd.h of x86-64 and of arm64. */
const TGKILL = process.arch === "arm64" ? 131 : 234;
const BPF = process.arch === "arm64" ? 280 : 321;
const BPF_PROG_LOAD = 5;
const BPF_PROG_TYPE_SOCKET_FILTER = 1;
const BPF_MOV64_IMMEDIATE = 0xb7;
const BPF_EXIT = 0x95;
const SECCOMP = process.arch === "arm64" ? 277 : 317;
const IOCTL = process.arch === "arm64" ? 29 : 16;
const READ_CALL = process.arch === "arm64" ? "63" : "0";
const POLL_CALLS: readonly string[] = process.arch === "arm64" ? ["73"] : ["7", "271"];

const IFREQ = new Struct("ifreq", 40, {
  name: { at: 0, type: "text", bytes: 16 },
  flags: { at: 16, type: "u16" },
});

const IFREQ_DATA = new Struct("ifreq", 40, {
  name: { at: 0, type: "text", bytes: 16 },
  data: { at: 16, type: "u64" },
});

/** linux/seccomp.h, linux/filter.h */
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_RET_ALLOW = 0x7fff0000;
const SECCOMP_RET_ERRNO = 0x00050000;
const EINVAL = 22;
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_SET = 0x45;
const RETURN = 0x06;
const TUNSETOFFLOAD = 0x400454d0;

const SOCK_FPROG = new Struct("sock_fprog", 16, { count: { at: 0, type: "u16" }, filter: { at: 8, type: "u64" } });

/** union bpf_attr as BPF_PROG_LOAD reads it. */
const BPF_ATTRIBUTES = new Struct("bpf_attr", 48, {
  type: { at: 0, type: "u32" },
  count: { at: 4, type: "u32" },
  instructions: { at: 8, type: "u64" },
  license: { at: 16, type: "u64" },
});

function checked(what: string, result: number): number {
  if (result < 0) throw new Error(`${what} failed with ${errnoName(errno())}`);
  return result;
}

/** A blocking descriptor of the TUN driver, as other programs open it; without a name no interface is behind it. */
export function openBlockingTun(name: string | undefined) {
  const fd = checked("open", libc().open(cString("/dev/net/tun"), O_RDWR | O_CLOEXEC));
  const request = IFREQ.encode({ name: name ?? "", flags: IFF_TUN | IFF_NO_PI });
  if (name !== undefined) checked("TUNSETIFF", libc().ioctl(fd, TUNSETIFF, request));
  return { fd, name: IFREQ.decode(request).name, close: () => void libc().close(fd) };
}

/** Two sockets that keep packets apart: what one sends as a whole, the other receives as a whole. A stream does not. */
export function socketPair(kind: "packets" | "stream" = "packets") {
  const pair = new Int32Array(2);
  const type = kind === "packets" ? SOCK_SEQPACKET : SOCK_STREAM;
  checked("socketpair", libc().socketpair(AF_UNIX, type | O_CLOEXEC, 0, pair));
  const [here = -1, there = -1] = pair;
  return {
    here,
    send: (packet: Uint8Array) => checked("send", libc().send(there, packet, packet.length, 0)),
    receive: () => {
      const octets = new Uint8Array(65536);
      return octets.slice(0, checked("recv", libc().recv(there, octets, octets.length, 0)));
    },
    [Symbol.dispose]: () => {
      libc().close(here);
      libc().close(there);
    },
  };
}

/** What ethtool shows as "Current message level" of an interface in the calling thread's namespace. */
export function messageLevel(name: string): number {
  const fd = checked("socket", libc().socket(AF_INET, SOCK_DGRAM, 0));
  try {
    const value = Uint32Array.of(ETHTOOL_GMSGLVL, 0);
    const request = IFREQ_DATA.encode({ name, data: BigInt(addressOf(value)) });
    checked("ETHTOOL_GMSGLVL", libc().ioctl(fd, SIOCETHTOOL, request));
    return value[1] ?? 0;
  } finally {
    libc().close(fd);
  }
}

/** Sends a signal to one thread of this process. */
export function signalThread(thread: number, signal: number): void {
  checked("tgkill", Number(libc().syscall(TGKILL, process.pid, thread, signal)));
}

/**
 * A socket filter that answers the same number for every packet, as eBPF: | mov r0, number | exit |. Gives its
 * descriptor. Source: linux/bpf.h.
 */
export function loadAnswer(number: number): number {
  const instructions = new Uint8Array(16);
  const view = new DataView(instructions.buffer);
  view.setUint8(0, BPF_MOV64_IMMEDIATE);
  view.setInt32(4, number, true);
  view.setUint8(8, BPF_EXIT);
  const license = cString("MIT");
  const attributes = BPF_ATTRIBUTES.encode({
    type: BPF_PROG_TYPE_SOCKET_FILTER,
    count: 2,
    instructions: BigInt(addressOf(instructions)),
    license: BigInt(addressOf(license)),
  });
  return checked("bpf", Number(libc().syscall(BPF, BPF_PROG_LOAD, addressOf(attributes), attributes.length)));
}

export function closeDescriptor(fd: number): void {
  libc().close(fd);
}

/** The same for read(2). */
export function isRead(call: string): boolean {
  return call === READ_CALL;
}

/** Whether a system call, as the first word of /proc/<pid>/task/<tid>/syscall has it, is a poll. */
export function isPoll(call: string): boolean {
  return POLL_CALLS.includes(call);
}

/**
 * From now on TUNSETOFFLOAD with any of these bits fails in this thread with EINVAL, as on a kernel that lacks them.
 * struct seccomp_data: | number i32 | architecture u32 | instruction u64 | argument u64, six times |
 */
export function refuseOffloads(bits: number): void {
  const program: readonly (readonly [code: number, then: number, otherwise: number, value: number])[] = [
    [LOAD_WORD, 0, 0, 0],
    [JUMP_IF_EQUAL, 0, 5, IOCTL],
    [LOAD_WORD, 0, 0, 24],
    [JUMP_IF_EQUAL, 0, 3, TUNSETOFFLOAD],
    [LOAD_WORD, 0, 0, 32],
    [JUMP_IF_SET, 0, 1, bits],
    [RETURN, 0, 0, SECCOMP_RET_ERRNO | EINVAL],
    [RETURN, 0, 0, SECCOMP_RET_ALLOW],
  ];
  const octets = new Uint8Array(program.length * 8);
  const view = new DataView(octets.buffer);
  for (const [i, [code, then, otherwise, value]] of program.entries()) {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, then);
    view.setUint8(i * 8 + 3, otherwise);
    view.setUint32(i * 8 + 4, value, true);
  }
  const filter = SOCK_FPROG.encode({ count: program.length, filter: BigInt(addressOf(octets)) });
  checked("seccomp", Number(libc().syscall(SECCOMP, SECCOMP_SET_MODE_FILTER, 0, addressOf(filter))));
}
