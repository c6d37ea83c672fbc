// Gives up what a running service does not need, once its devices and sockets are open:
//   1. another user and group, for all threads; the main thread keeps what routes and rules need
//   2. capabilities: CAP_NET_ADMIN in the main thread and those that it starts later, none in those that are there, and
//      none that a new program could get
//   3. no tracing, no core, no new privileges
//   4. a filter of system calls, in all threads
import { BITS, type Capability } from "./capabilities.linux.ts";
import { DENIED, systemCallFilter } from "./filter.ts";
import type { ServiceUser } from "./service-user.ts";
import {
  becomeGroup,
  becomeUser,
  boundCapabilities,
  errnoName,
  filterSystemCalls,
  forbidDumps,
  forbidNewPrivileges,
  limitCapabilities,
  prepare,
} from "./sys.ts";

/** What stays: policy rules, routes and the nftables table follow the network while the service runs. */
export const KEPT: readonly Capability[] = ["CAP_NET_ADMIN"];

/** What was given up, for the audit log. */
export interface DropReport {
  readonly user: ServiceUser | undefined;
  readonly capabilities: readonly Capability[];
  /** System calls that are refused; 0 where there is no filter for this machine's architecture. */
  readonly refusedCalls: number;
}

/**
 * Everything above, in the calling thread and all others of the process. Must be called from the main thread. Without
 * a user the process stays who it is: root keeps its capabilities, another user keeps these in the main thread.
 * @throws Error that names the step and why it failed; the process may then be half-way and must end
 */
export function dropPrivileges(user: ServiceUser | undefined): DropReport {
  const { arch } = process;
  if (arch !== "x64" && arch !== "arm64") throw new Error(`privileges: expected x64 or arm64, found ${arch}`);
  prepare();
  const kept = KEPT.reduce((bits, name) => bits | (1n << BigInt(BITS[name])), 0n);
  if (user !== undefined) {
    step("bounding capabilities", boundCapabilities(kept));
    step(`becoming group ${user.gid}`, becomeGroup(user.gid));
    step(`becoming user ${user.uid}`, becomeUser(user.uid, kept, arch));
  } else if (process.geteuid?.() !== 0) {
    step("limiting capabilities", limitCapabilities(kept, arch));
  }
  step("forbidding dumps", forbidDumps());
  step("forbidding new privileges", forbidNewPrivileges());
  const filter = systemCallFilter(arch);
  const refused = filterSystemCalls(filter, arch);
  // A kernel without seccomp says ENOSYS or EINVAL: the rest holds all the same.
  if (refused !== 0 && refused !== ENOSYS && refused !== EINVAL) step("filtering system calls", refused);
  const refusedCalls = refused === 0 ? DENIED.length : 0;
  return { user, capabilities: user === undefined && process.geteuid?.() === 0 ? [] : KEPT, refusedCalls };
}

// asm-generic/errno-base.h, asm-generic/errno.h
const EINVAL = 22;
const ENOSYS = 38;

function step(what: string, failed: number): void {
  if (failed !== 0) throw new Error(`privileges: ${what} failed, ${errnoName(failed)}`);
}
