// The flows of one burst: for each its most recent item, so that no packet overtakes another of its flow.
import { GROUP_PROBES_MAX, LANE_OFFLOAD } from "@bunnel/abi/src/index";
import { lane } from "../mem/lane";
import { Item, PLACES } from "./item";

const PLACES_MIN: u32 = 16;
const MULTIPLIER: u64 = 0x9e3779b97f4a7c15;

/** Places minus one, of the burst at hand. */
let mask: u32 = 0;

/** Empties a table for so many packets: twice as many places at least, of two octets each. */
export function openFlows(packets: i32): void {
  let places = PLACES_MIN;
  while (places < (<u32>packets) << 1) places <<= 1;
  mask = places - 1;
  closeFlows();
}

/** Forgets the most recent item of every flow. */
export function closeFlows(): void {
  memory.fill(lane + LANE_OFFLOAD + PLACES, 0, (<usize>(mask + 1)) << 1);
}

/** Where the number plus one of the most recent item of this item's flow stands, or 0 in it; 0: no place is left. */
export function placeOf(item: Item): usize {
  const base = lane + LANE_OFFLOAD + PLACES;
  let slot = hash(item) & mask;
  for (let i = 0; i < GROUP_PROBES_MAX; i++) {
    const place = base + ((<usize>slot) << 1);
    const found: i32 = load<u16>(place);
    if (found == 0 || isSameFlow(Item.of(found - 1), item)) return place;
    slot = (slot + 1) & mask;
  }
  return 0;
}

function hash(item: Item): u32 {
  const p = item.at;
  let key: u64 = load<u32>(item.l4);
  if (item.family == 4) {
    key = rotl<u64>(key, 29) ^ load<u64>(p, 12);
  } else {
    key ^= rotl<u64>(load<u64>(p, 8), 7) ^ rotl<u64>(load<u64>(p, 16), 17);
    key ^= rotl<u64>(load<u64>(p, 24), 31) ^ load<u64>(p, 32);
  }
  return <u32>((key * MULTIPLIER) >>> 40);
}

function isSameFlow(a: Item, b: Item): bool {
  if (a.family != b.family || a.protocol != b.protocol || load<u32>(a.l4) != load<u32>(b.l4)) return false;
  const p = a.at;
  const q = b.at;
  if (a.family == 4) return load<u64>(p, 12) == load<u64>(q, 12);
  return (
    load<u64>(p, 8) == load<u64>(q, 8) &&
    load<u64>(p, 16) == load<u64>(q, 16) &&
    load<u64>(p, 24) == load<u64>(q, 24) &&
    load<u64>(p, 32) == load<u64>(q, 32)
  );
}
