// A seccomp filter (seccomp(2)) for a service that only moves packets: what would start a program, look into another
// process, or change the machine beyond its network answers EPERM. Everything else is allowed.

export type FilterArch = "x64" | "arm64";

// linux/bpf_common.h
const BPF_LD_W_ABS = 0x20;
const BPF_JMP_JEQ_K = 0x15;
const BPF_JMP_JGE_K = 0x35;
const BPF_RET_K = 0x06;

// linux/seccomp.h: struct seccomp_data, return values
const DATA_NR = 0;
const DATA_ARCH = 4;
const SECCOMP_RET_ERRNO = 0x00050000;
const SECCOMP_RET_ALLOW = 0x7fff0000;
const EPERM = 1;

/** linux/audit.h */
const AUDIT_ARCH: Readonly<Record<FilterArch, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };
/** System calls of the x32 ABI have this bit (asm/unistd.h); arm64 has none so high. */
const X32_BIT = 0x40000000;

/**
 * What the service never needs: name, number on x64 (asm/unistd_64.h), number on arm64 (asm-generic/unistd.h). Not
 * among it is capset: it can only give up, and threads that start late do.
 */
export const DENIED: readonly (readonly [name: string, x64: number, arm64: number])[] = [
  ["execve", 59, 221],
  ["execveat", 322, 281],
  ["ptrace", 101, 117],
  ["process_vm_readv", 310, 270],
  ["process_vm_writev", 311, 271],
  ["kcmp", 312, 272],
  ["mount", 165, 40],
  ["umount2", 166, 39],
  ["pivot_root", 155, 41],
  ["chroot", 161, 51],
  ["setns", 308, 268],
  ["unshare", 272, 97],
  ["init_module", 175, 105],
  ["finit_module", 313, 273],
  ["delete_module", 176, 106],
  ["kexec_load", 246, 104],
  ["kexec_file_load", 320, 294],
  ["bpf", 321, 280],
  ["perf_event_open", 298, 241],
  ["userfaultfd", 323, 282],
  ["add_key", 248, 217],
  ["request_key", 249, 218],
  ["keyctl", 250, 219],
  ["reboot", 169, 142],
  ["swapon", 167, 224],
  ["swapoff", 168, 225],
  ["settimeofday", 164, 170],
  ["clock_settime", 227, 112],
  ["acct", 163, 89],
  ["quotactl", 179, 60],
  ["open_by_handle_at", 304, 265],
  ["sethostname", 170, 161],
  ["setdomainname", 171, 162],
];

/** The filter as struct sock_filter (linux/filter.h): eight octets an instruction. */
export function systemCallFilter(arch: FilterArch): Uint8Array {
  const numbers = DENIED.map(([, x64, arm64]) => (arch === "x64" ? x64 : arm64));
  const program: (readonly [code: number, jt: number, jf: number, k: number])[] = [
    [BPF_LD_W_ABS, 0, 0, DATA_ARCH],
    // Calls of another architecture have other numbers: none of them is needed.
    [BPF_JMP_JEQ_K, 1, 0, AUDIT_ARCH[arch]],
    [BPF_RET_K, 0, 0, SECCOMP_RET_ERRNO | EPERM],
    [BPF_LD_W_ABS, 0, 0, DATA_NR],
    [BPF_JMP_JGE_K, numbers.length + 1, 0, X32_BIT],
    // Each jumps to the last instruction; the distance counts from the one behind it.
    ...numbers.map((number, i) => [BPF_JMP_JEQ_K, numbers.length - i, 0, number] as const),
    [BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW],
    [BPF_RET_K, 0, 0, SECCOMP_RET_ERRNO | EPERM],
  ];
  const view = new DataView(new ArrayBuffer(program.length * 8));
  for (const [i, [code, jt, jf, k]] of program.entries()) {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, jt);
    view.setUint8(i * 8 + 3, jf);
    view.setUint32(i * 8 + 4, k, true);
  }
  return new Uint8Array(view.buffer);
}
