// The flow table. A bucket is one line of 64 octets: a lock word and seven tags; way w of bucket b has entry b*8+w.
//
//   bucket: | lock u32, 0 | tag 1 | tag 2 | … | tag 7 |      tag: 0 free, 2 being written, else the key's hash (odd)
//
// A hit takes no lock: the tag is read, the entry compared, the tag read again (an evictor may have come between).
// A miss takes the bucket's lock for a bounded number of turns, looks again, and takes the free way or the one not seen
// for longest. Who does not get the lock lets the packet go untracked: that is counted, never waited for.
import {
  Counter, FLOW_ENTRIES_BASE, FLOW_ENTRY_BYTES, FLOW_LAST_SEEN, FLOW_PACKETS_A, FLOW_PORTS,
  FLOW_RULE, FLOW_SPINS_MAX, FLOW_TAGS_BASE, FLOW_WAYS,
} from "@bunnel/abi/src/index";
import { count } from "../mem/lane";
import { Meta } from "../mem/meta";
import { Ipv4 } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";

const TAG_FREE: u64 = 0;
const TAG_BUSY: u64 = 2;
const WAYS: u32 = FLOW_WAYS;
const MIX: u64 = 0x9e3779b97f4a7c15;

/** One flow; the lower endpoint is A. */
@unmanaged
export class Flow {
  a0: u64;
  a1: u64;
  b0: u64;
  b1: u64;
  /** port of A << 16 | port of B */
  ports: u32;
  protocol: u8;
  family: u8;
  /** 1: A opened it, 2: B did. */
  opener: u8;
  l7: u8;
  lastSeen: u32;
  rule: u16;
  planned: u16;
  packetsA: u32;
  packetsB: u32;
  bytesA: u32;
  bytesB: u32;

  static of(index: u32): Flow {
    return changetype<Flow>(<usize>FLOW_ENTRIES_BASE + (<usize>index << 6));
  }
}

if (
  offsetof<Flow>() != FLOW_ENTRY_BYTES ||
  offsetof<Flow>("ports") != FLOW_PORTS ||
  offsetof<Flow>("lastSeen") != FLOW_LAST_SEEN ||
  offsetof<Flow>("rule") != FLOW_RULE ||
  offsetof<Flow>("packetsA") != FLOW_PACKETS_A
) {
  ERROR("Flow does not lie as packages/abi/src/records.ts says");
}

let bucketMask: u32 = 0;
let seed: u64 = 0;

/** Buckets, a power of two up to FLOW_BUCKETS_MAX, and the secret that keeps a flooder from aiming at one of them. */
export function openTable(buckets: u32, seedLow: u32, seedHigh: u32): void {
  bucketMask = buckets - 1;
  seed = (<u64>seedHigh << 32) | seedLow;
}

function mix(h: u64, k: u64): u64 {
  const m = (h ^ k) * MIX;
  return m ^ (m >>> 32);
}

// The key of the packet at hand. Plain variables of the instance, not state: each `track` writes them anew.
let a0: u64 = 0;
let a1: u64 = 0;
let b0: u64 = 0;
let b1: u64 = 0;
let ports: u32 = 0;
let kind: u32 = 0;

/**
 * Finds the packet's flow or makes it; fills hash, flow and direction of the record. Returns the entry's index, 0 when
 * the packet goes untracked.
 */
export function track(p: usize, m: Meta, now: u32): u32 {
  const swapped = readKey(p, m);
  let h = mix(seed, a0);
  h = mix(h, a1);
  h = mix(h, b0);
  h = mix(h, b1);
  h = mix(h, (<u64>ports << 16) | kind) | 1;
  m.hash = h;
  const bucket = <u32>(h >>> 33) & bucketMask;
  const line = <usize>FLOW_TAGS_BASE + (<usize>bucket << 6);
  for (let way: u32 = 1; way <= WAYS; way++) {
    const tag = line + (way << 3);
    if (atomic.load<u64>(tag) != h) continue;
    const index = (bucket << 3) + way;
    const flow = Flow.of(index);
    if (isKey(flow) && atomic.load<u64>(tag) == h) {
      touch(flow, m, swapped, now);
      m.flow = index;
      return index;
    }
  }
  return insert(bucket, line, h, m, swapped, now);
}

/** Reads the two endpoints, the lower one first. True: the packet goes from B to A. */
function readKey(p: usize, m: Meta): bool {
  let s0: u64, s1: u64, d0: u64, d1: u64;
  if (m.family == 4) {
    const ip = Ipv4.at(p);
    s0 = ip.source;
    d0 = ip.destination;
    s1 = 0;
    d1 = 0;
  } else {
    const ip = Ipv6.at(p);
    s0 = load<u64>(ip.sourceAt);
    s1 = load<u64>(ip.sourceAt, 8);
    d0 = load<u64>(ip.destinationAt);
    d1 = load<u64>(ip.destinationAt, 8);
  }
  const sp: u32 = m.sourcePort;
  const dp: u32 = m.destinationPort;
  kind = (<u32>m.family << 8) | m.protocol;
  const swapped = s0 > d0 || (s0 == d0 && (s1 > d1 || (s1 == d1 && sp > dp)));
  if (swapped) {
    a0 = d0;
    a1 = d1;
    b0 = s0;
    b1 = s1;
    ports = (dp << 16) | sp;
  } else {
    a0 = s0;
    a1 = s1;
    b0 = d0;
    b1 = d1;
    ports = (sp << 16) | dp;
  }
  return swapped;
}

function isKey(flow: Flow): bool {
  return (
    flow.a0 == a0 && flow.b0 == b0 && flow.ports == ports && flow.a1 == a1 && flow.b1 == b1 &&
    ((<u32>flow.family << 8) | flow.protocol) == kind
  );
}

function touch(flow: Flow, m: Meta, swapped: bool, now: u32): void {
  // Written only when it changes: a line that two lanes share should not travel for nothing.
  if (flow.lastSeen != now) flow.lastSeen = now;
  if (swapped) {
    flow.packetsB++;
    flow.bytesB += m.totalBytes;
  } else {
    flow.packetsA++;
    flow.bytesA += m.totalBytes;
  }
  m.direction = <u8>(<u32>flow.opener != (swapped ? 2 : 1));
}

function insert(bucket: u32, line: usize, h: u64, m: Meta, swapped: bool, now: u32): u32 {
  if (!lock(line)) {
    count(Counter.FlowsUntracked, 1);
    return 0;
  }
  let victim: u32 = 1;
  let oldest: i64 = -1;
  for (let way: u32 = 1; way <= WAYS; way++) {
    const index = (bucket << 3) + way;
    const tag = load<u64>(line + (way << 3));
    const flow = Flow.of(index);
    if (tag == h && isKey(flow)) {
      unlock(line);
      touch(flow, m, swapped, now);
      m.flow = index;
      return index;
    }
    const age: i64 = tag == TAG_FREE ? i64.MAX_VALUE : <i64>idleMs(flow, now);
    if (age > oldest) {
      oldest = age;
      victim = way;
    }
  }
  const tagAt = line + (victim << 3);
  if (load<u64>(tagAt) != TAG_FREE) count(Counter.FlowsEvicted, 1);
  atomic.store<u64>(tagAt, TAG_BUSY);
  const index = (bucket << 3) + victim;
  fill(Flow.of(index), m, swapped, now);
  atomic.store<u64>(tagAt, h);
  unlock(line);
  count(Counter.FlowsInserted, 1);
  m.flow = index;
  return index;
}

function fill(flow: Flow, m: Meta, swapped: bool, now: u32): void {
  flow.a0 = a0;
  flow.a1 = a1;
  flow.b0 = b0;
  flow.b1 = b1;
  flow.ports = ports;
  flow.protocol = m.protocol;
  flow.family = m.family;
  flow.opener = swapped ? 2 : 1;
  flow.l7 = 0;
  flow.lastSeen = now;
  flow.rule = 0;
  flow.planned = 0;
  flow.packetsA = swapped ? 0 : 1;
  flow.packetsB = swapped ? 1 : 0;
  flow.bytesA = swapped ? 0 : <u32>m.totalBytes;
  flow.bytesB = swapped ? <u32>m.totalBytes : 0;
}

/** Milliseconds since the flow was seen; lanes read their clocks at different moments, so a little less than nothing is 0. */
function idleMs(flow: Flow, now: u32): i32 {
  return max<i32>(<i32>(now - flow.lastSeen), 0);
}

/** Frees the flows not seen for `idleMax` milliseconds; returns how many. A bucket that somebody holds waits for the next time. */
export function expire(now: u32, idleMax: i32): i32 {
  let freed = 0;
  for (let bucket: u32 = 0; bucket <= bucketMask; bucket++) {
    const line = <usize>FLOW_TAGS_BASE + (<usize>bucket << 6);
    if (!lock(line)) continue;
    for (let way: u32 = 1; way <= WAYS; way++) {
      const tagAt = line + (way << 3);
      if (load<u64>(tagAt) == TAG_FREE) continue;
      if (idleMs(Flow.of((bucket << 3) + way), now) < idleMax) continue;
      atomic.store<u64>(tagAt, TAG_FREE);
      freed++;
    }
    unlock(line);
  }
  count(Counter.FlowsExpired, freed);
  return freed;
}

function lock(line: usize): bool {
  for (let i = 0; i < FLOW_SPINS_MAX; i++) {
    if (atomic.cmpxchg<u32>(line, 0, 1) == 0) return true;
  }
  return false;
}

function unlock(line: usize): void {
  atomic.store<u32>(line, 0);
}
