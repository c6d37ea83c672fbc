// Gives up what a running service does not need on macOS, once its devices and sockets are open:
//   1. no core, no debugger
//   2. another user and group, for all threads and for good
// What it can still do that others cannot: its open utun, and routes, by the routing socket that it has opened as root.
// The system asks of a routing socket who it was that opened it (SS_PRIV, route_output of XNU's bsd/net/rtsock.c).
import { darwinPrivileges, type DarwinPrivileges } from "./darwin/sys.ts";
import type { ServiceUser } from "./service-user.ts";

const ROOT = 0;

/** What was given up, for the audit log. */
export interface DarwinDropReport {
  readonly user: ServiceUser | undefined;
  readonly kept: readonly string[];
}

/**
 * Without a user the process stays who it is.
 * @throws Error that names the step; the process may then be half-way and must end
 */
export function dropDarwinPrivileges(
  user: ServiceUser | undefined,
  calls: DarwinPrivileges = darwinPrivileges(),
): DarwinDropReport {
  step("forbidding cores", calls.forbidCores());
  step("denying tracing", calls.denyTracing());
  if (user === undefined) return { user, kept: ["root"] };
  step(`becoming group ${user.gid}`, calls.becomeGroup(user.gid));
  step(`becoming user ${user.uid}`, calls.becomeUser(user.uid));
  // A saved user would let whoever breaks in go back.
  step("staying that user", !calls.becomeUser(ROOT));
  return { user, kept: ["routes", "device"] };
}

function step(what: string, isDone: boolean): void {
  if (!isDone) throw new Error(`privileges: ${what}: expected it done, found it refused`);
}
