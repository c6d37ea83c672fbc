// A descriptor table of a thread's own. A process may not have more descriptors than its limit says; the limit is that
// of a table, and threads share theirs until one takes a copy (unshare(2), close_range(2)).
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { StreamError } from "../errors.ts";
import { closeBetween, copyTable, prepareTable } from "./sys.ts";

const DESCRIPTORS = "/proc/thread-self/fd";
/** What the run-time waits with, and wakes its other threads by: it uses them by number in every thread. */
const OF_RUN_TIME = /^anon_inode:\[(?:eventpoll|eventfd|timerfd)\]$/u;
const STANDARD = [0, 1, 2];

/** Above every descriptor that a process can have. */
const NOBODYS = 0x7fff_ff00;

/** Whether threads can have tables of their own here: Linux 5.9, with /proc, and nobody who forbids the call. */
export function canHaveTables(): boolean {
  if (!existsSync(DESCRIPTORS)) return false;
  prepareTable();
  return closeBetween(NOBODYS, NOBODYS) === 0;
}

/**
 * Gives the calling thread a table of its own, in which nothing else is open than `kept` and what the run-time needs.
 * What it opens from now on no other thread has, and what others open it has not.
 * @throws StreamError E_STREAM_SYSTEM where the system cannot do that
 */
export function takeOwnTable(kept: readonly number[]): void {
  prepareTable();
  const known = [...new Set([...STANDARD, ...kept, ...descriptorsOfRunTime()])].toSorted((a, b) => a - b);
  const error = copyTable(known.at(-1) ?? 0);
  if (error !== 0) throw new StreamError("E_STREAM_SYSTEM", "relay: a descriptor table of its own", error);
  for (const [index, fd] of known.entries()) closeBetween((known[index - 1] ?? -1) + 1, fd - 1);
}

/** Those by which the run-time's threads wait, of all that the calling thread sees. */
export function descriptorsOfRunTime(): number[] {
  return readdirSync(DESCRIPTORS).flatMap((name) => (OF_RUN_TIME.test(linkOf(name)) ? [Number(name)] : []));
}

/** Empty for what was closed meanwhile, as the one that the list was read by. */
function linkOf(name: string): string {
  try {
    return readlinkSync(`${DESCRIPTORS}/${name}`);
  } catch {
    return "";
  }
}
