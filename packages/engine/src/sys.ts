// The one system call of the engine's host.
import { addressOf, libcNames, library } from "@bunnel/ffi";

/** asm-generic/mman-common.h */
const MADV_HUGEPAGE = 14;

const libc = library(libcNames("linux").paths, {
  madvise: { args: ["u64", "u64", "i32"], returns: "i32" },
});

/** Tells Linux that octets from a page's start on are better kept in large pages. What it makes of that is its own. */
export function adviseLargePages(memory: SharedArrayBuffer, at: number, bytes: number): void {
  libc().madvise(addressOf(memory) + at, bytes, MADV_HUGEPAGE);
}
