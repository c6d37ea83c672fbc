// The bpf(2) system call. Numbers cross this file; errors are made above it.
import { addressOf, errno, libcNames, library, pointer } from "@bunnel/ffi";

/** __NR_bpf of asm/unistd_64.h and asm-generic/unistd.h; undefined: another machine. */
const CALLS: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 321, arm64: 280 };

// linux/bpf.h
const BPF_PROG_LOAD = 5;
const BPF_LINK_CREATE = 28;
const BPF_PROG_TYPE_CGROUP_SOCK = 9;
const BPF_CGROUP_INET_SOCK_CREATE = 2;
const INSTRUCTION_BYTES = 8;
const ATTRIBUTES_BYTES = 128;
/** The kernel lends some of its functions to programs under its own licence alone. */
const LICENSE = new TextEncoder().encode("Dual MIT/GPL\0");

const libc = library(libcNames("linux").paths, {
  syscall: { args: ["i64", "i64", "ptr", "i64"], returns: "i64" },
});

export { errno };

/** Whether this machine's number of the call is known. */
export function hasBpf(): boolean {
  return CALLS[process.arch] !== undefined;
}

/** Loads a program that runs when a socket is made. Its descriptor; -1: read `errno`. */
export function loadSocketProgram(instructions: Uint8Array): number {
  const view = new DataView(new ArrayBuffer(ATTRIBUTES_BYTES));
  view.setUint32(0, BPF_PROG_TYPE_CGROUP_SOCK, true);
  view.setUint32(4, instructions.length / INSTRUCTION_BYTES, true);
  view.setBigUint64(8, BigInt(addressOf(instructions)), true);
  view.setBigUint64(16, BigInt(addressOf(LICENSE)), true);
  view.setUint32(68, BPF_CGROUP_INET_SOCK_CREATE, true);
  return call(BPF_PROG_LOAD, view);
}

/** Runs a program for a control group and all below it, until the descriptor is closed. -1: read `errno`. */
export function attachToCgroup(program: number, cgroup: number): number {
  const view = new DataView(new ArrayBuffer(ATTRIBUTES_BYTES));
  view.setUint32(0, program, true);
  view.setUint32(4, cgroup, true);
  view.setUint32(8, BPF_CGROUP_INET_SOCK_CREATE, true);
  return call(BPF_LINK_CREATE, view);
}

function call(command: number, attributes: DataView): number {
  const { syscall } = libc();
  errno();
  const octets = new Uint8Array(attributes.buffer);
  return Number(syscall(CALLS[process.arch] ?? -1, command, pointer(addressOf(octets)), octets.length));
}
