// The tx arena: packets that the engine makes are laid one behind the other, and all room comes back with the next
// poll.
import {
  LANE_TX_ARENA,
  LANE_TX_ARENA_BYTES,
  SLOT_HEADROOM_BYTES,
  TX_MAX,
  WORD_TX_BYTES,
  WORD_TX_COUNT,
} from "@bunnel/abi/src/index";
import { lane, setLaneWord } from "./lane";
import { setTx } from "./meta";

const CELL_MASK: u32 = 63;

// Of the poll at hand; the host reads the lane's words, which are written when the poll ends.
/** Packets listed. */
export let txCount: i32 = 0;
/** Octets of the arena in use. */
export let txBytes: u32 = 0;

// What is settled leaves, whatever becomes of the packet at hand.
export let settledCount: i32 = 0;
let settledBytes: u32 = 0;

/** Forgets all packets that go out. */
export function txReset(): void {
  txCount = 0;
  txBytes = 0;
  settledCount = 0;
  settledBytes = 0;
}

/** No roll-back reaches behind this: the packets listed so far stand for others than the packet at hand. */
export function txSettle(): void {
  settledCount = txCount;
  settledBytes = txBytes;
}

/** Takes back everything that was added since the two figures were read. */
export function txRollBack(count: i32, bytes: u32): void {
  txCount = max<i32>(count, settledCount);
  txBytes = max<u32>(bytes, settledBytes);
}

/** Tells the host what was listed. */
export function txPublish(): void {
  setLaneWord(WORD_TX_COUNT, <u32>txCount);
  setLaneWord(WORD_TX_BYTES, txBytes);
}

/** Lists a packet, wherever it lies; it leaves so many milliseconds from now. False: the list is full. */
export function txList(at: usize, bytes: i32, delayMs: u32 = 0): bool {
  if (txCount >= TX_MAX) return false;
  setTx(txCount, at, bytes, min<u32>(delayMs, 0xffff));
  txCount++;
  return true;
}

/** Room for a new packet of so many octets, not listed yet; the octets before it are free for headers. 0: no room. */
export function txAlloc(bytes: i32): usize {
  const need = (<u32>(SLOT_HEADROOM_BYTES + bytes) + CELL_MASK) & ~CELL_MASK;
  if (txBytes + need > <u32>LANE_TX_ARENA_BYTES) return 0;
  const at = lane + LANE_TX_ARENA + txBytes + SLOT_HEADROOM_BYTES;
  txBytes += need;
  return at;
}
