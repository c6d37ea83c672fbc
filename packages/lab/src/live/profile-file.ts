// A profile for a child process: a file without a name (open(2), O_TMPFILE), so that none can be left behind.
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ProfileFile extends Disposable {
  readonly fd: number;
  /** Where a child finds it that was given it as descriptor 3. */
  readonly childPath: string;
}

/** asm-generic/fcntl.h: __O_TMPFILE | O_DIRECTORY */
const O_TMPFILE = 0o20200000;

export function openProfile(text: string): ProfileFile {
  const fd = openNameless();
  writeSync(fd, text);
  return { fd, childPath: "/proc/self/fd/3", [Symbol.dispose]: () => closeSync(fd) };
}

function openNameless(): number {
  try {
    return openSync(tmpdir(), O_TMPFILE | constants.O_RDWR, 0o600);
  } catch {
    // Not every file system knows such files: one that loses its name at once is as good.
    const folder = mkdtempSync(join(tmpdir(), "bunnel-lab-"));
    try {
      return openSync(join(folder, "profile.toml"), "wx+", 0o600);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}
