// Whether a thread can be started by whoever the process is by then. Its code is read when it starts; a process that
// has given up being root may find it shut away.
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the files of a compiled program lie: inside it. */
const COMPILED = /[/\\](?:\$bunfs|~BUN)[/\\]/u;
/** sys/stat.h: others may read a file, or pass through a directory. */
const READ = 0o4;
const PASS = 0o1;

/** Whether everybody may read the file. */
export function isForAll(url: URL): boolean {
  const path = fileURLToPath(url);
  if (COMPILED.test(path)) return true;
  try {
    if ((statSync(path).mode & READ) === 0) return false;
    for (let dir = dirname(path); ; dir = dirname(dir)) {
      if ((statSync(dir).mode & PASS) === 0) return false;
      if (dir === dirname(dir)) return true;
    }
  } catch {
    return false;
  }
}
