// The one system call that node:fs lacks: an advisory lock that ends with the process.
import { errno, libcNames, library } from "@bunnel/ffi";

// sys/file.h
const LOCK_EX = 2;
const LOCK_NB = 4;

const EWOULDBLOCK = 11; // asm-generic/errno.h

const libc = library(libcNames("linux").paths, {
  flock: { args: ["i32", "i32"], returns: "i32" },
});

/** Locks an open file for this descriptor alone: 0, or the errno; `LOCKED` when somebody else holds it. */
export function lockFile(fd: number): number {
  const call = libc().flock;
  // Asked for once before, so that nothing is opened between the call and its errno.
  errno();
  return call(fd, LOCK_EX | LOCK_NB) < 0 ? errno() : 0;
}

export const LOCKED = EWOULDBLOCK;
