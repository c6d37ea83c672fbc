// What a lane and its hosts tell each other about the lane itself while packets pass, from whatever thread.
import { LANE_BYTES, LANE_WORDS, LANES_BASE, PACKET_MAX_BYTES, WORD_MTU, WORD_TURNS } from "@bunnel/abi";

function wordAt(memory: SharedArrayBuffer, lane: number, word: number): Int32Array {
  return new Int32Array(memory, LANES_BASE + lane * LANE_BYTES + LANE_WORDS + word, 1);
}

/** One element: the turns that the lane's loop has made, modulo 2^32. A loop adds to it, others watch it. */
export function laneTurns(memory: SharedArrayBuffer, lane: number): Int32Array {
  return wordAt(memory, lane, WORD_TURNS);
}

/**
 * Octets of the largest packet that the lane's way out takes from its next poll on.
 * @throws RangeError as `LaneOptions.mtuBytes`
 */
export function setLaneMtu(memory: SharedArrayBuffer, lane: number, mtuBytes: number): void {
  if (!Number.isInteger(mtuBytes) || mtuBytes < 68 || mtuBytes > PACKET_MAX_BYTES) {
    throw new RangeError(`lane MTU: expected 68..${PACKET_MAX_BYTES}, found ${mtuBytes}`);
  }
  Atomics.store(wordAt(memory, lane, WORD_MTU), 0, mtuBytes);
}
