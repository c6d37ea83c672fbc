// The files that tidy looks at: what git tracks, and what it would track.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Paths below the root, with forward slashes, to their text. */
export type Tree = ReadonlyMap<string, string>;

/** One thing that is not as the house wants it. */
export interface Finding {
  readonly path: string;
  /** Counted from 1; 0 where the whole file is meant. */
  readonly line: number;
  readonly message: string;
}

const UNTRACKED_FOLDERS = /(^|\/)(\.git|node_modules|build|coverage|\.turbo)\//;

/** Reads every tracked file, and every new one that is not ignored. */
export function readTree(root: string): Tree {
  const tree = new Map<string, string>();
  for (const path of listFiles(root)) {
    const absolute = join(root, path);
    // A file that was deleted but not yet committed is still in git's list.
    if (existsSync(absolute) && statSync(absolute).isFile()) tree.set(path, readFileSync(absolute, "utf8"));
  }
  return tree;
}

/** The 1-based line of an offset in a text. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

function listFiles(root: string): string[] {
  const git = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
  if (git.status === 0) {
    const paths = git.stdout.toString("utf8").split("\0");
    return [...new Set(paths)].filter((path) => path !== "").toSorted();
  }
  // An unpacked archive has no git: everything that stands there counts, but for what is built and installed.
  const all = [...new Bun.Glob("**/*").scanSync({ cwd: root, dot: true, onlyFiles: true })];
  return all.filter((path) => !UNTRACKED_FOLDERS.test(path)).toSorted();
}
