// Gives up what a running service does not need on Windows, once its devices and sockets are open: every privilege of
// the process's token but two, for good. It stays an administrator: who may change routes is asked by group, and a
// process cannot leave one. What goes is what reaches past the network: to read all files (SeBackupPrivilege), to look
// into other processes (SeDebugPrivilege), to own anything, to be anybody.
import { privilegeOf, ProcessToken } from "./windows/sys.ts";

/** Folders on the way to a file are not asked; the driver's device goes when the service ends. winnt.h */
export const KEPT_PRIVILEGES: readonly string[] = ["SeChangeNotifyPrivilege", "SeLoadDriverPrivilege"];

/** What was given up, for the audit log. */
export interface WindowsDropReport {
  /** How many privileges. */
  readonly removed: number;
  readonly kept: readonly string[];
}

/** @throws Error when the system has kept one; the process must then end */
export function dropWindowsPrivileges(): WindowsDropReport {
  using token = new ProcessToken();
  const kept = new Set(KEPT_PRIVILEGES.map(privilegeOf));
  const others = token.privileges().filter((privilege) => !kept.has(privilege));
  token.remove(others);
  const left = token.privileges().filter((privilege) => !kept.has(privilege));
  if (left.length > 0) throw new Error(`privileges: expected ${kept.size} kept, found ${left.length} more`);
  return { removed: others.length, kept: KEPT_PRIVILEGES };
}
