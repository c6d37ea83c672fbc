// The calls that give privileges up on macOS: unistd.h, sys/ptrace.h, sys/resource.h. Numbers cross this file; errors
// are made above it. What is handed over is never stored to again.
import { addressOf, library, libcNames, pointer } from "@bunnel/ffi";

const PT_DENY_ATTACH = 31;
const RLIMIT_CORE = 4;

const CALLS = {
  setgroups: { args: ["i32", "ptr"], returns: "i32" },
  setgid: { args: ["u32"], returns: "i32" },
  setuid: { args: ["u32"], returns: "i32" },
  ptrace: { args: ["i32", "i32", "i64", "i32"], returns: "i32" },
  setrlimit: { args: ["i32", "ptr"], returns: "i32" },
} as const;

/** Each is true where it was done. */
export interface DarwinPrivileges {
  /** The only group, for all threads. */
  becomeGroup(gid: number): boolean;
  /** The real, effective and saved user of all threads, where it was root before. */
  becomeUser(uid: number): boolean;
  /** No debugger attaches from now on. */
  denyTracing(): boolean;
  /** No core is left behind. */
  forbidCores(): boolean;
}

/** @throws Error when the library cannot be opened */
export function darwinPrivileges(libraries: readonly string[] = libcNames("darwin").paths): DarwinPrivileges {
  const { setgroups, setgid, setuid, ptrace, setrlimit } = library(libraries, CALLS)();
  return {
    becomeGroup(gid) {
      const groups = Uint32Array.of(gid);
      return setgroups(1, pointer(addressOf(groups))) === 0 && setgid(gid) === 0;
    },
    becomeUser: (uid) => setuid(uid) === 0,
    denyTracing: () => ptrace(PT_DENY_ATTACH, 0, 0, 0) === 0,
    forbidCores() {
      const none = BigUint64Array.of(0n, 0n);
      return setrlimit(RLIMIT_CORE, pointer(addressOf(none))) === 0;
    },
  };
}
