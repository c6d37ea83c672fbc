// The system calls of the tests: the calling thread moves into a network namespace of its own and back.
import { closeSync, openSync } from "node:fs";
import { errno, errnoName, libcNames, library } from "@bunnel/ffi";

const CLONE_NEWNET = 0x40000000; // linux/sched.h

const libc = library(libcNames("linux").paths, {
  unshare: { args: ["i32"], returns: "i32" },
  setns: { args: ["i32", "i32"], returns: "i32" },
});

/** Moves this thread into a new network namespace; the returned function moves it back. Children follow. */
export function enterNewNamespace(): () => void {
  const before = openSync("/proc/thread-self/ns/net", "r");
  if (libc().unshare(CLONE_NEWNET) < 0) throw new Error(`unshare: ${errnoName(errno())}`);
  return () => {
    if (libc().setns(before, CLONE_NEWNET) < 0) throw new Error(`setns: ${errnoName(errno())}`);
    closeSync(before);
  };
}
