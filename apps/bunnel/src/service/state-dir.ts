// Where a running service keeps its control socket and what it has to put back.
//
// While the service runs as another user the folder is that user's; a start takes it back first. What is done to a
// folder that somebody else could write is done through its descriptor, so that no name in it leads elsewhere.
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { ServiceUser } from "../privileges/service-user.ts";
import { ExitError } from "./exit.ts";

/** Where a system has what lives as long as it runs; Windows has no such place, and keeps it. */
export function defaultStateDir(platform: NodeJS.Platform, environment: NodeJS.ProcessEnv): string {
  if (platform === "win32") return `${environment["ProgramData"] ?? "C:\\ProgramData"}\\bunnel`;
  return platform === "darwin" ? "/var/run/bunnel" : "/run/bunnel";
}

export const DEFAULT_STATE_DIR = defaultStateDir(process.platform, process.env);

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
const OWNER_ONLY = 0o700;
const ROOT = 0;
/** S_IXOTH */
const SEARCH = 1;

export interface StatePaths {
  readonly dir: string;
  readonly socket: string;
  readonly state: string;
  readonly audit: string;
}

export function statePaths(dir: string, platform: NodeJS.Platform = process.platform): StatePaths {
  return {
    dir,
    socket: platform === "win32" ? pipeOf(dir) : join(dir, "control.sock"),
    state: join(dir, "state.json"),
    audit: join(dir, "audit.log"),
  };
}

/** What stands before the name of a pipe on Windows: those have a place of their own, and no folder. */
export const PIPE_PREFIX = "\\\\.\\pipe\\";

/** A pipe for each state directory; the system lets its maker and administrators alone write to it. */
function pipeOf(dir: string): string {
  return `${PIPE_PREFIX}bunnel-${Bun.hash(resolve(dir)).toString(16)}`;
}

/** All that a service ever makes there. */
const NAMES: readonly string[] = [
  ...["memory.sqlite", "memory.sqlite-wal", "memory.sqlite-shm", "memory.sqlite-journal", "memory.sqlite.damaged"],
  "audit.log",
  "audit.log.1",
  "control.sock",
  "state.json",
  "state.json.lock",
  "state.json.new",
];

/**
 * Makes the folder for its owner alone. Root takes one back that a service's user has, if nothing else is in it than
 * what a service makes.
 * @param names of all that can be in it
 * @throws ExitError when it is not a folder of ours
 */
export function makeStateDir({ dir }: Pick<StatePaths, "dir">, names = NAMES): void {
  try {
    mkdirSync(dir, { recursive: true, mode: OWNER_ONLY });
    // Who may look into it is said by the folder above, whose rights it has.
    if (process.platform === "win32") return;
    const fd = openSync(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      takeBack(dir, fd, names);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (cause instanceof ExitError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(`state directory ${dir} cannot be made (${why}): name another with --state-dir`, 1, { cause });
  }
}

function takeBack(dir: string, fd: number, names: readonly string[]): void {
  const us = process.geteuid?.() ?? ROOT;
  const { uid } = fstatSync(fd);
  const isForeign = uid !== us;
  const stranger = isForeign ? readdirSync(dir).find((name) => !names.includes(name)) : undefined;
  if (isForeign && (us !== ROOT || stranger !== undefined)) {
    const has = stranger === undefined ? "" : `, with ${JSON.stringify(stranger)} in it`;
    throw new ExitError(`state directory ${dir}: expected a directory of user ${us}, found one of ${uid}${has}`);
  }
  if (isForeign) fchownSync(fd, ROOT, ROOT);
  fchmodSync(fd, OWNER_ONLY);
  if (!isForeign) return;
  // Now nobody else changes it any more. Links lead elsewhere, and what has two names has one outside.
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    const found = lstatSync(path);
    const isPlain = (found.isFile() && found.nlink === 1) || found.isSocket();
    if (isPlain && names.includes(name)) lchownSync(path, ROOT, ROOT);
    else rmSync(path, { recursive: true, force: true });
  }
}

/**
 * Checks that the service's user will get to a folder, so that it can clean up.
 * @throws ExitError that names the folder on the way which is closed to it
 */
export function checkReach({ dir }: Pick<StatePaths, "dir">, user: ServiceUser): void {
  for (let above = dirname(resolve(dir)); ; above = dirname(above)) {
    if (existsSync(above) && !isOpen(above, user)) {
      throw new ExitError(
        `state directory ${dir}: expected one that user ${user.name} can reach, found ${above} closed to it: ` +
          `name another with --state-dir, or another user with --user`,
      );
    }
    if (dirname(above) === above) return;
  }
}

/** Whether a folder lets this user through (path_resolution(7)). */
function isOpen(path: string, { uid, gid }: ServiceUser): boolean {
  const found = statSync(path);
  const shift = found.uid === uid ? 6 : found.gid === gid ? 3 : 0;
  return ((found.mode >> shift) & SEARCH) !== 0;
}

/** Gives the folder and what is in it to the service's user, who must be able to clean up. */
export function giveStateDir({ dir }: Pick<StatePaths, "dir">, { uid, gid }: ServiceUser): void {
  // Its mode first: root without CAP_FOWNER may not change that of somebody else's folder.
  chmodSync(dir, OWNER_ONLY);
  for (const name of readdirSync(dir)) lchownSync(join(dir, name), uid, gid);
  chownSync(dir, uid, gid);
}
