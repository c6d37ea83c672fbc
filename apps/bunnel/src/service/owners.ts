// Users and groups of a profile by their numbers, as /etc/passwd and /etc/group have them (passwd(5), group(5)).
import { readFileSync } from "node:fs";
import type { NumberRange, PacketOwners } from "@bunnel/device";
import type { SplitScope } from "@bunnel/profile";
import { ExitError } from "./exit.ts";

const PASSWD = "/etc/passwd";
const GROUP = "/etc/group";

/**
 * Whose packets a section of the profile means.
 * @throws ExitError for a name that the system does not know
 */
export function ownersOf(scope: SplitScope, passwd = PASSWD, group = GROUP): PacketOwners {
  const { users, groups, cgroups, processes, interfaces } = scope;
  return {
    users: users.map((user) => numbersOf(user, passwd)),
    groups: groups.map((each) => numbersOf(each, group)),
    ...{ cgroups, processes, interfaces },
  };
}

function numbersOf(text: string, path: string): NumberRange {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/u.exec(text) ?? [];
  if (first !== undefined) return { first: Number(first), last: Number(last) };
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const [name, , number] = line.split(":");
    if (name === text && number !== undefined) return { first: Number(number), last: Number(number) };
  }
  throw new ExitError(`${path}: expected ${JSON.stringify(text)}, found no such name`, 2);
}
