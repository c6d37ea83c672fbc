// A candidate that is kept running between its turns, so that turns can be short and many: whatever disturbs the
// machine lasts longer than a turn, and those that stand beside it have had the same.
import { threadSeconds } from "./processor-time.ts";
import type { Sample } from "./rounds.ts";

/** A program, warmed up, that rests until it is asked for its next turn. */
export interface Live {
  turn(): Promise<Sample>;
}

const SETTLE_MS = 3;
const SETTLE_LOOKS_MAX = 1000;

/**
 * Processor seconds of a process that has nothing left to do. While a thread runs, what it has used is known only up to
 * the scheduler's last tick, four milliseconds of a turn; so this waits until nothing is added any more.
 * @throws Error when it never rests
 */
export async function restingSeconds(pid: number): Promise<number> {
  let before = threadSeconds(pid);
  for (let look = 0; look < SETTLE_LOOKS_MAX; look++) {
    await Bun.sleep(SETTLE_MS);
    const now = threadSeconds(pid);
    if (now === before) return now;
    before = now;
  }
  throw new Error(`process ${pid}: expected to rest within ${(SETTLE_LOOKS_MAX * SETTLE_MS) / 1000} s, found it busy`);
}
