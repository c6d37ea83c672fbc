// Large pages for what is looked up all over: a processor that finds an address in 2 MiB pages knows a table of 30 MB
// by heart, in pages of 4 KiB it looks up the place of nearly every line. (Bench "names" and "parse + key + table": 0.6
// to 0.85 of the time.)
import { adviseLargePages } from "./sys.ts";

/** Says that these octets of the memory, from a page's start on, are read at random. It changes nothing but speed. */
export function wantLargePages(memory: SharedArrayBuffer, at: number, bytes: number): void {
  if (process.platform !== "linux") return;
  try {
    adviseLargePages(memory, at, bytes);
  } catch {
    // A C library under another name: everything works without.
  }
}
