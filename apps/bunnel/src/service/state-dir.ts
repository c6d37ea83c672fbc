// Where a running service keeps its control socket and what it has to put back.
import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ExitError } from "./exit.ts";

export const DEFAULT_STATE_DIR = "/run/bunnel";

export interface StatePaths {
  readonly dir: string;
  readonly socket: string;
  readonly state: string;
}

export function statePaths(dir: string): StatePaths {
  return { dir, socket: join(dir, "control.sock"), state: join(dir, "state.json") };
}

/** Makes the directory for its owner alone. @throws ExitError when it is not a directory of ours */
export function makeStateDir(paths: StatePaths): void {
  try {
    mkdirSync(paths.dir, { recursive: true, mode: 0o700 });
    const found = lstatSync(paths.dir);
    const uid = process.getuid?.() ?? 0;
    if (!found.isDirectory() || found.uid !== uid) {
      throw new ExitError(
        `state directory ${paths.dir}: expected a directory of user ${uid}, found one of ${found.uid}`,
      );
    }
    chmodSync(paths.dir, 0o700);
  } catch (cause) {
    if (cause instanceof ExitError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(`state directory ${paths.dir} cannot be made (${why}): name another with --state-dir`, 1, {
      cause,
    });
  }
}
