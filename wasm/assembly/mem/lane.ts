// The lane of this instance: where its region starts and how it was opened. Set once by `openLane`; everything else
// that the engine knows lies in the mapped memory.
import {
  Counter,
  LANE_BYTES,
  LANE_COUNTERS,
  LANE_WORDS,
  LANES_BASE,
  Reason,
  RULE_COUNTS_BASE,
  RULE_COUNTS_BYTES,
  WORD_MTU,
} from "@bunnel/abi/src/index";

/** Address of the lane's region. */
export let lane: usize = 0;
/** Its number. */
export let laneIndex: i32 = 0;
/** LaneFlag bits. */
export let laneFlags: u32 = 0;
/** Octets of the largest packet that the way out takes, as of the beginning of the poll. */
export let laneMtu: i32 = 0;
/** Where this lane counts what its rules decided. */
let ruleCounts: usize = 0;

export function openLane(index: i32, flags: u32, mtuBytes: i32): void {
  lane = <usize>LANES_BASE + <usize>index * LANE_BYTES;
  laneIndex = index;
  laneFlags = flags;
  laneMtu = mtuBytes;
  setLaneWord(WORD_MTU, mtuBytes);
  ruleCounts = <usize>RULE_COUNTS_BASE + <usize>index * RULE_COUNTS_BYTES;
}

/** Takes up what hosts may have changed since the last poll. */
export function followHost(): void {
  laneMtu = atomic.load<i32>(lane + LANE_WORDS + WORD_MTU);
}

export function laneWord(word: usize): u32 {
  return load<u32>(lane + LANE_WORDS + word);
}

export function setLaneWord(word: usize, value: u32): void {
  store<u32>(lane + LANE_WORDS + word, value);
}

/** Adds to a counter. Only this lane writes here; a host may read at any time. */
export function count(counter: i32, by: u32): void {
  const at = lane + LANE_COUNTERS + ((<usize>counter) << 3);
  store<u64>(at, load<u64>(at) + by);
}

/** Counts one packet that was held under what became of it. */
export function recountHeld(reason: i32): void {
  const held = lane + LANE_COUNTERS + ((<usize>(Counter.Reasons + Reason.HoldMessage)) << 3);
  store<u64>(held, load<u64>(held) - 1);
  countReason(reason);
}

/** Moves one packet from a counter to another. */
export function recount(from: i32, to: i32): void {
  const at = lane + LANE_COUNTERS + ((<usize>from) << 3);
  store<u64>(at, load<u64>(at) - 1);
  count(to, 1);
}

/** Counts one packet under its reason. */
export function countReason(reason: i32): void {
  count(Counter.Reasons + reason, 1);
}

/** Counts one message under the rule that decided it, given as its index plus one. */
export function countRule(rule: u32): void {
  const at = ruleCounts + ((<usize>rule - 1) << 2);
  store<u32>(at, load<u32>(at) + 1);
}
