// The table of translations: entries in chains by the hash of client and server, and a ring of those that are free, in
// the order in which they were freed, so that the peer of an old connection comes back as late as can be.
//
// Packets of known flows take no lock. A flow that is not found is looked for again under the lock, because another
// lane may have changed the chain meanwhile; whoever makes or frees an entry holds it.
import {
  Counter,
  LANE_SCRATCH,
  TRANSLATE_AWAITED_MS,
  TRANSLATE_BASE,
  TRANSLATE_BUCKETS,
  TRANSLATE_CAPACITY,
  TRANSLATE_CHAIN_MAX,
  TRANSLATE_ENDED_MS,
  TRANSLATE_FREE,
  TRANSLATE_FREE_GIVEN,
  TRANSLATE_FREE_TAKEN,
  TRANSLATE_FULL_SWEEP_MS,
  TRANSLATE_FULL_SWEPT_MS,
  TRANSLATE_IDLE_MS,
  TRANSLATE_RESET_MS,
  TRANSLATE_SWEEP_ENTRIES,
  TRANSLATE_SWEEP_MS,
  TRANSLATE_SWEPT_MS,
  TRANSLATE_SWEPT_TO,
  TRANSLATIONS_MAX,
  TranslationState,
} from "@bunnel/abi/src/index";
import { keyed } from "../flow/table";
import { count, lane, laneIndex } from "../mem/lane";
import { Translation } from "./entry";
import { recountAwaited } from "./recount";
import { lockRegion, regionWord, setRegionWord, unlockRegion } from "./region";

/** No entry. */
export const NONE: i32 = -1;
/** The table's lock could not be had. */
export const LOCKED: i32 = -2;

/** Behind the octets that plans use, and before those of `Ends`. */
const KEY_AT: usize = LANE_SCRATCH + 0x1fe00;
const RING_MASK: u32 = TRANSLATIONS_MAX - 1;

/** Who talks to whom, of one packet of the client. */
@unmanaged
export class FlowKey {
  client0: u64;
  client1: u64;
  server0: u64;
  server1: u64;
  /** As in `Translation`. */
  ports: u32;
  /** Protocol, and the family above it. */
  kind: u32;

  /** The one of the packet at hand, in the lane's scratch. */
  static get current(): FlowKey {
    return changetype<FlowKey>(lane + KEY_AT);
  }

  /** Client and server by where their addresses lie; of IPv4 four octets each. */
  set(family: u32, protocol: u32, client: usize, server: usize, ports: u32): void {
    const isShort = family == 4;
    this.client0 = isShort ? load<u32>(client) : load<u64>(client);
    this.client1 = isShort ? 0 : load<u64>(client, 8);
    this.server0 = isShort ? load<u32>(server) : load<u64>(server);
    this.server1 = isShort ? 0 : load<u64>(server, 8);
    this.ports = ports;
    this.kind = (family << 8) | protocol;
  }

  get hash(): u32 {
    const h = keyed(this.client0, this.client1, this.server0, this.server1, ((<u64>this.kind) << 32) | this.ports);
    return <u32>(h >>> 33) & RING_MASK;
  }

  isOf(entry: Translation): bool {
    return (
      entry.client0 == this.client0 &&
      entry.server0 == this.server0 &&
      entry.ports == this.ports &&
      entry.client1 == this.client1 &&
      entry.server1 == this.server1 &&
      (((<u32>entry.family) << 8) | <u32>entry.protocol) == this.kind &&
      entry.state != TranslationState.Free
    );
  }
}

function bucketAt(bucket: u32): usize {
  return <usize>TRANSLATE_BASE + TRANSLATE_BUCKETS + ((<usize>bucket) << 2);
}

function ringAt(place: u32): usize {
  return <usize>TRANSLATE_BASE + TRANSLATE_FREE + ((<usize>(place & RING_MASK)) << 2);
}

/** The entry of this flow; NONE. */
export function find(key: FlowKey): i32 {
  const found = walk(key);
  if (found != NONE || !lockRegion()) return found;
  const sure = walk(key);
  unlockRegion();
  return sure;
}

function walk(key: FlowKey): i32 {
  let next = load<u32>(bucketAt(key.hash));
  for (let i = 0; i < TRANSLATE_CHAIN_MAX && next != 0; i++) {
    const entry = Translation.of(next - 1);
    if (key.isOf(entry)) return <i32>next - 1;
    next = entry.next;
  }
  return NONE;
}

/** A new entry for this flow; NONE: all are in use; LOCKED. */
export function make(key: FlowKey, state: i32, rule: i32, now: u32): i32 {
  if (!lockRegion()) return LOCKED;
  const index = takeFree(now);
  if (index != NONE) {
    const entry = Translation.of(index);
    const bucket = key.hash;
    entry.client0 = key.client0;
    entry.client1 = key.client1;
    entry.server0 = key.server0;
    entry.server1 = key.server1;
    entry.ports = key.ports;
    entry.protocol = <u8>key.kind;
    entry.family = <u8>(key.kind >> 8);
    entry.lane = <u8>laneIndex;
    entry.lastSeen = now;
    entry.isn = 0;
    entry.synBytes = 0;
    entry.clientEnded = 0;
    entry.serverEnded = 0;
    entry.bucket = bucket;
    entry.rule = <u16>(rule + 1);
    entry.next = load<u32>(bucketAt(bucket));
    entry.state = <u8>state;
    atomic.store<u32>(bucketAt(bucket), <u32>index + 1);
    count(Counter.TranslationsMade, 1);
  }
  unlockRegion();
  return index;
}

/** Gives an entry back; false: the lock could not be had. */
export function release(index: u32): bool {
  if (!lockRegion()) return false;
  free(index);
  unlockRegion();
  return true;
}

function takeFree(now: u32): i32 {
  if (regionWord(TRANSLATE_FREE_TAKEN) == regionWord(TRANSLATE_FREE_GIVEN)) makeRoom(now);
  const taken = regionWord(TRANSLATE_FREE_TAKEN);
  if (taken == regionWord(TRANSLATE_FREE_GIVEN)) return NONE;
  setRegionWord(TRANSLATE_FREE_TAKEN, taken + 1);
  return load<i32>(ringAt(taken));
}

/** Under the lock: takes the entry out of its chain and puts it to the free ones. */
function free(index: u32): void {
  const entry = Translation.of(index);
  if (entry.state == TranslationState.Free) return;
  const head = bucketAt(entry.bucket);
  let at = head;
  let next = load<u32>(at);
  // A chain has no more entries than the table.
  for (let i = 0; i < TRANSLATIONS_MAX && next != 0 && next != index + 1; i++) {
    const before = Translation.of(next - 1);
    at = changetype<usize>(before) + offsetof<Translation>("next");
    next = before.next;
  }
  if (next != 0) atomic.store<u32>(at, entry.next);
  entry.state = <u8>TranslationState.Free;
  const given = regionWord(TRANSLATE_FREE_GIVEN);
  store<u32>(ringAt(given), index);
  setRegionWord(TRANSLATE_FREE_GIVEN, given + 1);
}

/** Under the lock, with no entry free: those that are over, else those that have ended and only wait. */
function makeRoom(now: u32): void {
  if (now - regionWord(TRANSLATE_FULL_SWEPT_MS) < <u32>TRANSLATE_FULL_SWEEP_MS) return;
  setRegionWord(TRANSLATE_FULL_SWEPT_MS, now);
  const capacity = regionWord(TRANSLATE_CAPACITY);
  if (sweepRange(0, capacity, now) > 0) return;
  for (let index: u32 = 0; index < capacity; index++) {
    if (<i32>Translation.of(index).state < TranslationState.Ended) continue;
    free(index);
    count(Counter.TranslationsEvicted, 1);
  }
}

/** Looks at a part of the table for what is over, once a second. */
export function sweep(now: u32): void {
  if (now - regionWord(TRANSLATE_SWEPT_MS) < <u32>TRANSLATE_SWEEP_MS || !lockRegion()) return;
  setRegionWord(TRANSLATE_SWEPT_MS, now);
  const capacity = regionWord(TRANSLATE_CAPACITY);
  const from = regionWord(TRANSLATE_SWEPT_TO) % max<u32>(capacity, 1);
  const to = min<u32>(from + TRANSLATE_SWEEP_ENTRIES, capacity);
  sweepRange(from, to, now);
  setRegionWord(TRANSLATE_SWEPT_TO, to == capacity ? 0 : to);
  unlockRegion();
}

function sweepRange(from: u32, to: u32, now: u32): i32 {
  let freed = 0;
  for (let index = from; index < to; index++) {
    const entry = Translation.of(index);
    if (entry.state == TranslationState.Free) continue;
    // The lanes' clocks differ a little, and less than nothing is no time.
    if (<i32>(now - entry.lastSeen) < lifeMs(entry)) continue;
    if (entry.state == TranslationState.Awaited && !recountAwaited(entry)) continue;
    free(index);
    count(Counter.TranslationsExpired, 1);
    freed++;
  }
  return freed;
}

/** How long an entry in this state stays without a packet. */
function lifeMs(entry: Translation): i32 {
  const state: i32 = entry.state;
  if (state == TranslationState.Awaited) return TRANSLATE_AWAITED_MS;
  if (state == TranslationState.Ended) return TRANSLATE_ENDED_MS;
  return state == TranslationState.Reset ? TRANSLATE_RESET_MS : TRANSLATE_IDLE_MS;
}
