// The engine as in the beginning, for those who begin anew some hundred thousand times: only what a lane and a small
// flow table can have touched is wiped.
import {
  COUNTERS_MAX,
  FLOW_BUCKET_BYTES,
  FLOW_ENTRIES_BASE,
  FLOW_ENTRY_BYTES,
  FLOW_TAGS_BASE,
  FLOW_WAYS,
  HOLD_RECORD_BYTES,
  HOLDS_MAX,
  LANE_COUNTERS,
  LANE_HOLD,
  LANE_WORDS,
  LANES_BASE,
} from "@bunnel/abi";
import type { Engine } from "@bunnel/engine";

const WORDS_BYTES = 64;

/** Forgets what lane 0 of an engine has seen. */
export function quickReset(engine: Engine): void {
  const octets = new Uint8Array(engine.memory);
  const { buckets } = engine.transfer.table;
  const wipe = (at: number, bytes: number): unknown => octets.fill(0, at, at + bytes);
  wipe(FLOW_TAGS_BASE, buckets * FLOW_BUCKET_BYTES);
  wipe(FLOW_ENTRIES_BASE, buckets * (FLOW_WAYS + 1) * FLOW_ENTRY_BYTES);
  wipe(LANES_BASE + LANE_COUNTERS, COUNTERS_MAX * 8);
  wipe(LANES_BASE + LANE_WORDS, WORDS_BYTES);
  wipe(LANES_BASE + LANE_HOLD, HOLDS_MAX * HOLD_RECORD_BYTES);
}
