// The tx arena: packets that the engine makes are laid one behind the other, and all room comes back with the next poll.
import {
  LANE_TX_ARENA, LANE_TX_ARENA_BYTES, SLOT_HEADROOM_BYTES, TX_MAX, WORD_TX_BYTES, WORD_TX_COUNT,
} from "@bunnel/abi/src/index";
import { lane, laneWord, setLaneWord } from "./lane";
import { setTx } from "./meta";

const CELL_MASK: u32 = 63;

/** Forgets all packets that go out. */
export function txReset(): void {
  setLaneWord(WORD_TX_COUNT, 0);
  setLaneWord(WORD_TX_BYTES, 0);
}

export function txCount(): i32 {
  return <i32>laneWord(WORD_TX_COUNT);
}

export function txBytes(): u32 {
  return laneWord(WORD_TX_BYTES);
}

/** Takes back everything that was added since the two figures were read. */
export function txRollBack(count: i32, bytes: u32): void {
  setLaneWord(WORD_TX_COUNT, <u32>count);
  setLaneWord(WORD_TX_BYTES, bytes);
}

/** Lists a packet that lies elsewhere (in its rx slot). False: the list is full. */
export function txList(at: usize, bytes: i32): bool {
  const i = txCount();
  if (i >= TX_MAX) return false;
  setTx(i, at, bytes);
  setLaneWord(WORD_TX_COUNT, <u32>(i + 1));
  return true;
}

/** Room for a new packet of so many octets, already listed; the octets before it are free for headers. 0: no room. */
export function txAlloc(bytes: i32): usize {
  const used = txBytes();
  const need = (<u32>(SLOT_HEADROOM_BYTES + bytes) + CELL_MASK) & ~CELL_MASK;
  if (used + need > <u32>LANE_TX_ARENA_BYTES) return 0;
  const at = lane + LANE_TX_ARENA + used + SLOT_HEADROOM_BYTES;
  if (!txList(at, bytes)) return 0;
  setLaneWord(WORD_TX_BYTES, used + need);
  return at;
}
