// The system calls that give privileges up, on Linux. Numbers cross this file; errors are made above it.
import { addressOf, errno, libcNames, library } from "@bunnel/ffi";

export { errnoName } from "@bunnel/ffi";

// linux/prctl.h
const PR_SET_DUMPABLE = 4;
const PR_SET_KEEPCAPS = 8;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;

// linux/capability.h
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
const CAP_LAST = 40;

// asm-generic/errno-base.h
const EINVAL = 22;

// linux/seccomp.h
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;

/** asm/unistd_64.h, asm-generic/unistd.h */
const SYS_SETRESUID = { x64: 117, arm64: 147 } as const;
const SYS_CAPSET = { x64: 126, arm64: 91 } as const;
const SYS_SECCOMP = { x64: 317, arm64: 277 } as const;

const libc = library(libcNames("linux").paths, {
  prctl: { args: ["i32", "i64", "i64", "i64", "i64"], returns: "i32" },
  setgroups: { args: ["i64", "ptr"], returns: "i32" },
  setresgid: { args: ["u32", "u32", "u32"], returns: "i32" },
  setresuid: { args: ["u32", "u32", "u32"], returns: "i32" },
  syscall: { args: ["i64", "i64", "i64", "i64"], returns: "i64" },
});

/** 0, or the errno of the call that failed just now. */
function failed(result: number | bigint): number {
  return Number(result) < 0 ? errno() : 0;
}

/** Opens what the calls below need. */
export function prepare(): void {
  libc();
  errno();
}

/** Nobody traces the process or reads its memory, and it leaves no core behind. 0, or the errno. */
export function forbidDumps(): number {
  return failed(libc().prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

/** No program that is started from here has more rights. 0, or the errno. */
export function forbidNewPrivileges(): number {
  return failed(libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/** Takes from the bounding set what is not in `kept`, a set of bits. 0, or the errno. */
export function boundCapabilities(kept: bigint): number {
  for (let bit = 0; bit <= CAP_LAST; bit++) {
    if (((kept >> BigInt(bit)) & 1n) === 1n) continue;
    const result = failed(libc().prctl(PR_CAPBSET_DROP, bit, 0, 0, 0));
    // A kernel that has fewer capabilities says EINVAL to those that it does not have.
    if (result !== 0 && result !== EINVAL) return result;
  }
  return 0;
}

/** No further groups, and this group, for all threads (nptl(7) on setxid). 0, or the errno. */
export function becomeGroup(gid: number): number {
  return failed(libc().setgroups(0, null)) || failed(libc().setresgid(gid, gid, gid));
}

/** Permitted and effective capabilities of the calling thread. 0, or the errno. */
export function limitCapabilities(kept: bigint, arch: "x64" | "arm64"): number {
  const [header, data] = capabilityData(kept);
  return failed(libc().syscall(SYS_CAPSET[arch], addressOf(header), addressOf(data), 0));
}

/** struct __user_cap_header_struct for the calling thread, and two of __user_cap_data_struct. */
function capabilityData(kept: bigint): readonly [header: Uint32Array, data: Uint32Array] {
  const low = Number(kept & 0xffffffffn);
  const high = Number(kept >> 32n);
  return [Uint32Array.of(LINUX_CAPABILITY_VERSION_3, 0), Uint32Array.of(low, low, 0, high, high, 0)];
}

/**
 * This user for all threads; the calling one keeps these capabilities, permitted and effective, and the others none.
 * 0, or the errno.
 */
export function becomeUser(uid: number, kept: bigint, arch: "x64" | "arm64"): number {
  const [header, data] = capabilityData(kept);
  const { prctl, syscall, setresuid } = libc();
  const [setUser, setCapabilities] = [SYS_SETRESUID[arch], SYS_CAPSET[arch]];
  const [headerAt, dataAt] = [addressOf(header), addressOf(data)];
  // A thread that is started from here on before the capabilities are set would keep them too: nothing comes between.
  // The library's call, which reaches all threads, must come last: in the others it clears everything.
  return (
    failed(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)) ||
    failed(syscall(setUser, uid, uid, uid)) ||
    failed(syscall(setCapabilities, headerAt, dataAt, 0)) ||
    failed(prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0)) ||
    failed(setresuid(uid, uid, uid))
  );
}

/**
 * Every thread of the process runs under this filter from now on, and under no_new_privs (seccomp(2), TSYNC).
 * 0, or the errno; a positive number above 4095 is a thread that could not follow.
 */
export function filterSystemCalls(program: Uint8Array, arch: "x64" | "arm64"): number {
  // struct sock_fprog of linux/filter.h: u16 length, then a pointer at 8.
  const fprog = new DataView(new ArrayBuffer(16));
  fprog.setUint16(0, program.length / 8, true);
  fprog.setBigUint64(8, BigInt(addressOf(program)), true);
  const bytes = new Uint8Array(fprog.buffer);
  const result = libc().syscall(
    SYS_SECCOMP[arch],
    SECCOMP_SET_MODE_FILTER,
    SECCOMP_FILTER_FLAG_TSYNC,
    addressOf(bytes),
  );
  return Number(result) > 0 ? Number(result) : failed(result);
}
