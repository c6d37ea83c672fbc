// Who the service is once its devices and sockets are open.
import { existsSync, readFileSync } from "node:fs";
import { ExitError } from "../service/exit.ts";

export interface ServiceUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The user that is taken where the system has one of this name. */
export const SERVICE_USER_NAME = "bunnel";
/** A number that no user has: the highest, and so nobody's files are open to it. */
const NOBODY_AT_ALL = 0x7fffffff;
const PASSWD = "/etc/passwd";

/** Where a user namespace says which users it has (user_namespaces(7)). */
const MAPS = ["/proc/self/uid_map", "/proc/self/gid_map"] as const;

/**
 * Who the service becomes. Nobody else where the process is not root, which has nothing to change into, or in a
 * user namespace that has no other users.
 * @throws ExitError when a user was named that is not there, or cannot be taken here
 */
export function serviceUser(name?: string): ServiceUser | undefined {
  const user = findServiceUser(name);
  if (user === undefined) return undefined;
  const isPossible = process.geteuid?.() === 0 && isMapped(MAPS[0], user.uid) && isMapped(MAPS[1], user.gid);
  if (isPossible) return user;
  if (name === undefined) return undefined;
  throw new ExitError(`user ${name}: expected to run as root of a machine that has this user`, 2);
}

function isMapped(path: string, id: number): boolean {
  if (!existsSync(path)) return true;
  const ranges = readFileSync(path, "utf8").trim().split("\n");
  return ranges.some((range) => {
    const [first = 0, , count = 0] = range.trim().split(/\s+/u).map(Number);
    return id >= first && id < first + count;
  });
}

/**
 * The user of this name or number ("1000", "1000:1000"), as /etc/passwd has it (passwd(5)). Without a name: the user
 * "bunnel" where there is one, else a number that nobody has. Undefined: "root", which gives nothing up.
 * @throws ExitError when there is no such user
 */
export function findServiceUser(name?: string, path: string = PASSWD): ServiceUser | undefined {
  if (name === "root" || name === "0" || name === "0:0") return undefined;
  const numbers = /^(\d{1,10})(?::(\d{1,10}))?$/u.exec(name ?? "");
  if (numbers?.[1] !== undefined) {
    const uid = idOf(numbers[1]);
    return { name: numbers[1], uid, gid: numbers[2] === undefined ? uid : idOf(numbers[2]) };
  }
  const found = users(path).find((user) => user.name === (name ?? SERVICE_USER_NAME));
  if (found !== undefined) {
    if (found.uid === 0) throw new ExitError(`user ${found.name}: expected a user other than root, found uid 0`, 2);
    return found;
  }
  if (name === undefined) return { name: String(NOBODY_AT_ALL), uid: NOBODY_AT_ALL, gid: NOBODY_AT_ALL };
  throw new ExitError(`user ${JSON.stringify(name)}: expected one of ${path}, a number, or root`, 2);
}

function idOf(text: string): number {
  const id = Number(text);
  // -1 means "leave it as it is" to the system.
  if (id >= 1 && id < 0xffffffff) return id;
  throw new ExitError(`user ${text}: expected a number from 1 to 4294967294`, 2);
}

/** None in an image that holds nothing but a program. */
function users(path: string): ServiceUser[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .filter((fields) => fields.length === 7)
    .map(([name = "", , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
}
