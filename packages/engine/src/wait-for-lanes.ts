// Before a rule table is written over: no lane may still work with it.
import { LANE_BYTES, LANE_WORDS, LANES_BASE, LANES_MAX, WORD_RULES } from "@bunnel/abi";

/** A burst takes well under a millisecond. */
const TRY_MS = 1;
const TRIES_MAX = 1000;

/** Comes back when no lane works with the table at `table`. @throws Error after a second */
export function waitForLanes(memory: SharedArrayBuffer, table: number): void {
  for (let lane = 0; lane < LANES_MAX; lane++) {
    const words = new Int32Array(memory, LANES_BASE + lane * LANE_BYTES + LANE_WORDS, 16);
    const word = WORD_RULES / 4;
    for (let tries = 0; Atomics.load(words, word) === table; tries++) {
      if (tries === TRIES_MAX) throw new Error(`lane ${lane}: expected the end of its burst, found none within 1 s`);
      // Nobody notifies: a lane has better things to do.
      Atomics.wait(words, word, table, TRY_MS);
    }
  }
}
