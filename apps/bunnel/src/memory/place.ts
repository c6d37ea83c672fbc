// Where the memory lies: in a folder that is the service's alone, because the service works under another user later.
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { ServiceUser } from "../privileges/service-user.ts";
import { checkReach, DEFAULT_STATE_DIR, giveStateDir, makeStateDir } from "../service/state-dir.ts";
import { MemoryError } from "./contract.ts";
import { DAMAGED_SUFFIX } from "./open-database.ts";

export const MEMORY_NAME = "memory.sqlite";
/** What stays when the machine is started anew (hier(7)). */
const LASTING_DIR = "/var/lib/bunnel";

/** The files that a memory of this name is made of. */
export function memoryNames(name: string): string[] {
  return ["", "-wal", "-shm", "-journal", DAMAGED_SUFFIX].map((suffix) => name + suffix);
}

/**
 * The file of a service. Systemd says where a service may keep what lasts (systemd.exec(5), STATE_DIRECTORY).
 * @param named by the profile; "": the default
 */
export function memoryPath(named: string, stateDir: string, environment = process.env): string {
  if (named !== "") return resolve(named);
  if (resolve(stateDir) !== DEFAULT_STATE_DIR) return join(resolve(stateDir), MEMORY_NAME);
  const given = environment["STATE_DIRECTORY"]?.split(":")[0] ?? "";
  return join(given === "" ? LASTING_DIR : given, MEMORY_NAME);
}

/**
 * Makes the folder, or takes it back from the service's user. The state directory is made by somebody else.
 * @throws MemoryError E_MEMORY_FILE for a folder that others use too; ExitError
 */
export function prepareFolder(path: string, stateDir: string, user: ServiceUser | undefined): void {
  const dir = dirname(path);
  if (dir === resolve(stateDir)) return;
  const names = memoryNames(basename(path));
  const stranger = existsSync(dir) ? readdirSync(dir).find((name) => !names.includes(name)) : undefined;
  if (stranger !== undefined) {
    const found = `found ${JSON.stringify(stranger)} in ${dir}`;
    throw new MemoryError("E_MEMORY_FILE", `memory ${path}: expected a folder with nothing else in it, ${found}`);
  }
  if (user !== undefined) checkReach({ dir }, user);
  makeStateDir({ dir }, names);
}

/** Gives the folder to the service's user. */
export function giveFolder(path: string, stateDir: string, user: ServiceUser): void {
  const dir = dirname(path);
  if (dir !== resolve(stateDir)) giveStateDir({ dir }, user);
}
