// The flow table as it lies in memory.
import {
  FLOW_BUCKET_BYTES,
  FLOW_ENTRIES_BASE,
  FLOW_ENTRY_BYTES,
  FLOW_L7,
  FLOW_TAGS_BASE,
  FLOW_WAYS,
} from "@bunnel/abi";
import type { Engine } from "@bunnel/engine";

export interface TableFindings {
  /** Ways in use. */
  readonly flows: number;
  /** Keys that stand in it more than once. */
  readonly duplicates: number;
  /** Buckets that somebody still holds, ways that somebody still writes. */
  readonly unfinished: number;
}

/** An odd hash is a flow, 0 a free way, 2 one that is being written. */
const TAG_BUSY = 2n;
/** Addresses and ports. */
const ENDS_BYTES = 36;

export function lookThrough(engine: Engine): TableFindings {
  const { buckets } = engine.transfer.table;
  const tags = new BigUint64Array(engine.memory, FLOW_TAGS_BASE, (buckets * FLOW_BUCKET_BYTES) / 8);
  const octets = Buffer.from(engine.memory);
  const keys = new Set<string>();
  let [flows, unfinished] = [0, 0];
  for (let bucket = 0; bucket < buckets; bucket++) {
    // The lock is the low half of the first word.
    if (tags[bucket * 8] !== 0n) unfinished++;
    for (let way = 1; way <= FLOW_WAYS; way++) {
      const index = bucket * 8 + way;
      const tag = tags[index] ?? 0n;
      if (tag === 0n) continue;
      if (tag === TAG_BUSY) unfinished++;
      const at = FLOW_ENTRIES_BASE + index * FLOW_ENTRY_BYTES;
      // Protocol and family stand behind the ports, before the state.
      keys.add(octets.toString("latin1", at, at + ENDS_BYTES + 2));
      flows++;
    }
  }
  if (FLOW_L7 !== ENDS_BYTES + 3) throw new Error("the entry's layout is not the one that is read here");
  return { flows, duplicates: flows - keys.size, unfinished };
}
