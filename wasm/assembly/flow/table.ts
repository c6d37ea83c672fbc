// The flow table. A bucket is one line of 64 octets: a lock word and seven tags; way w of bucket b has entry b*8+w.
//
//   bucket: | lock u32, 0 | tag 1 | tag 2 | … | tag 7 |      tag: 0 free, 2 being written, else the key's hash (odd)
//
// A hit takes no lock: the tag is read, the entry compared, the tag read again (an evictor may have come between).
// A miss takes the bucket's lock for a bounded number of turns, looks again, and takes the free way, or a flow that did
// not go on, or the one not seen for longest: a flood of new flows wears itself out and leaves the others alone. Who
// does not get the lock lets the packet go untracked: that is counted, never waited for.
import {
  Counter,
  FLOW_ENTRIES_BASE,
  FLOW_ENTRY_BYTES,
  FLOW_LAST_SEEN,
  FLOW_PACKETS_A,
  FLOW_PORTS,
  FLOW_RULE,
  FLOW_SPINS_MAX,
  FLOW_STATE,
  FlowState,
  FLOW_TAGS_BASE,
  FLOW_WAYS,
} from "@bunnel/abi/src/index";
import { count } from "../mem/lane";
import { Meta } from "../mem/meta";
import { Ipv4 } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";
import { PROTOCOL_TCP } from "../wire/packet";
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "../wire/tcp";

const TAG_FREE: u64 = 0;
const TAG_BUSY: u64 = 2;
const WAYS: u32 = FLOW_WAYS;
const HAS_HOLD: u8 = 0x80;
/** Added to the age of a flow that is not proven, so that it goes before all others. */
const UNPROVEN: i64 = 0x1_0000_0000;
/** Ports, protocol and family: the octets of an entry from FLOW_PORTS on, without its state. */
const WORD_MASK: u64 = 0xffffffffffff;
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
  /** FlowState bits */
  state: u8;
  l7: u8;
  lastSeen: u32;
  rule: u16;
  planned: u8;
  hops: u8;
  packetsA: u32;
  packetsB: u32;
  bytesA: u32;
  bytesB: u32;

  static of(index: u32): Flow {
    return changetype<Flow>(<usize>FLOW_ENTRIES_BASE + ((<usize>index) << 6));
  }

  /** `word`: ports, protocol and family as they lie in an entry. */
  isOf(a0: u64, a1: u64, b0: u64, b1: u64, word: u64): bool {
    return (
      this.a0 == a0 &&
      this.b0 == b0 &&
      (load<u64>(changetype<usize>(this), FLOW_PORTS) & WORD_MASK) == word &&
      this.a1 == a1 &&
      this.b1 == b1
    );
  }

  setKey(a0: u64, a1: u64, b0: u64, b1: u64, word: u64): void {
    this.a0 = a0;
    this.a1 = a1;
    this.b0 = b0;
    this.b1 = b1;
    this.ports = <u32>word;
  }

  /** Whether entry `index` still is the flow with this hash. */
  isOfHash(hash: u64, index: u32): bool {
    return load<u64>(<usize>FLOW_TAGS_BASE + ((<usize>index) << 3)) == hash;
  }

  /** Whether the lane holds or remembers a message of this flow. */
  get hasHold(): bool {
    return (this.l7 & HAS_HOLD) != 0;
  }
  set hasHold(value: bool) {
    this.l7 = value ? this.l7 | HAS_HOLD : this.l7 & ~HAS_HOLD;
  }

  /** Whether it went on behind its first packet, in TCP with more than SYNs: most floods and scans do not. */
  get isProven(): bool {
    if (this.packetsA + this.packetsB < 2) return false;
    return this.protocol != PROTOCOL_TCP || (this.state & FlowState.Established) != 0;
  }

  /** L7 of the last message. */
  set kind(l7: u32) {
    this.l7 = (this.l7 & HAS_HOLD) | <u8>l7;
  }

  /** A new flow; its first packet is the one at hand. */
  begin(m: Meta, swapped: bool, now: u32): void {
    this.protocol = m.protocol;
    this.family = m.family;
    // A SYN,ACK without a flow is an answer: its receiver opened the flow.
    const isAnswer = (m.tcpFlags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
    this.state = <u8>(swapped != isAnswer ? FlowState.OpenedByB : FlowState.OpenedByA);
    this.l7 = 0;
    this.lastSeen = now;
    this.rule = 0;
    this.planned = 0;
    this.hops = 0;
    this.packetsA = 0;
    this.packetsB = 0;
    this.bytesA = 0;
    this.bytesB = 0;
  }
}

if (
  offsetof<Flow>() != FLOW_ENTRY_BYTES ||
  offsetof<Flow>("ports") != FLOW_PORTS ||
  offsetof<Flow>("protocol") != FLOW_PORTS + 4 ||
  offsetof<Flow>("family") != FLOW_PORTS + 5 ||
  offsetof<Flow>("state") != FLOW_STATE ||
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
  seed = ((<u64>seedHigh) << 32) | seedLow;
}

function mix(h: u64, k: u64): u64 {
  const m = (h ^ k) * MIX;
  return m ^ (m >>> 32);
}

/** A hash of endpoints and ports with the table's secret. */
export function keyed(a0: u64, a1: u64, b0: u64, b1: u64, word: u64): u64 {
  return mix(mix(mix(mix(mix(seed, a0), a1), b0), b1), word);
}

/**
 * Finds the packet's flow or makes it, and counts the packet there; fills hash, flow, direction and number of the
 * record. Returns the entry's index, 0 when the packet goes untracked.
 */
export function track(p: usize, m: Meta, now: u32): u32 {
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
  // Source in the upper half, as a sender that is A has it.
  const ports = rotl<u32>(m.portPair, 16);
  // The lower endpoint is A; swapped: the packet goes from B to A. Nobody can foretell which: the first comparison is
  // to be no branch.
  let swapped = s0 > d0;
  if (s0 == d0) swapped = s1 > d1 || (s1 == d1 && ports > rotl<u32>(ports, 16));
  const a0 = min<u64>(s0, d0);
  const a1 = swapped ? d1 : s1;
  const b0 = max<u64>(s0, d0);
  const b1 = swapped ? s1 : d1;
  const pair: u64 = swapped ? rotl<u32>(ports, 16) : ports;
  const kind: u64 = ((<u32>m.family) << 8) | m.protocol;
  const word = pair | (kind << 32);
  const h = mix(mix(mix(mix(mix(seed, a0), a1), b0), b1), (pair << 16) | kind) | 1;
  m.hash = h;
  const bucket = <u32>(h >>> 33) & bucketMask;
  const line = <usize>FLOW_TAGS_BASE + ((<usize>bucket) << 6);
  for (let way: u32 = 1; way <= WAYS; way++) {
    const tag = line + (way << 3);
    // Half a tag first and the whole one behind the key: two loads that no compiler makes one of. Neither is an atomic
    // one, which JavaScriptCore makes a locked instruction of: 4.5 ns a packet in bench "parse + key + table".
    if (load<u32>(tag) != <u32>h) continue;
    const index = (bucket << 3) + way;
    const flow = Flow.of(index);
    if (flow.isOf(a0, a1, b0, b1, word) && load<u64>(tag) == h) {
      touch(flow, p, m, swapped, now);
      m.flow = index;
      return index;
    }
  }
  return insert(p, m, now, bucket, a0, a1, b0, b1, word, swapped);
}

/** Under the bucket's lock: the flow that was not found, which another lane may have made meanwhile. */
function insert(
  p: usize,
  m: Meta,
  now: u32,
  bucket: u32,
  a0: u64,
  a1: u64,
  b0: u64,
  b1: u64,
  word: u64,
  swapped: bool,
): u32 {
  const h = m.hash;
  const line = <usize>FLOW_TAGS_BASE + ((<usize>bucket) << 6);
  if (!lock(line)) {
    count(Counter.FlowsUntracked, 1);
    return 0;
  }
  const index = (bucket << 3) + findWay(bucket, line, h, a0, a1, b0, b1, word, now);
  const flow = Flow.of(index);
  const tag = line + ((index & 7) << 3);
  if (load<u64>(tag) != h) {
    begin(flow, tag, m, swapped, now);
    flow.setKey(a0, a1, b0, b1, word);
    atomic.store<u64>(tag, h);
  }
  touch(flow, p, m, swapped, now);
  unlock(line);
  m.flow = index;
  return index;
}

/** Makes a new flow in a place that is free or is taken from another; its tag is to be set when the key stands. */
function begin(flow: Flow, tag: usize, m: Meta, swapped: bool, now: u32): void {
  if (load<u64>(tag) != TAG_FREE) count(Counter.FlowsEvicted, 1);
  atomic.store<u64>(tag, TAG_BUSY);
  flow.begin(m, swapped, now);
  count(Counter.FlowsInserted, 1);
}

/** The course of a TCP connection, as far as both sides' flags tell it (RFC 9293 section 3.3.2). */
function noteTcp(flow: Flow, flags: u32, swapped: bool): void {
  let state: u32 = flow.state;
  if ((flags & TCP_SYN) != 0) state |= (flags & TCP_ACK) != 0 ? FlowState.SynAck : FlowState.Syn;
  else if ((flags & TCP_ACK) != 0) state |= FlowState.Established;
  if ((flags & TCP_FIN) != 0) state |= swapped ? FlowState.FinB : FlowState.FinA;
  if ((flags & TCP_RST) != 0) state |= FlowState.Reset;
  if (state != flow.state) flow.state = <u8>state;
}

/**
 * Under the bucket's lock: the way of this key, which another lane may have put there meanwhile; else a free way; else
 * the oldest, and one that did not go on rather than one that did.
 */
function findWay(bucket: u32, line: usize, h: u64, a0: u64, a1: u64, b0: u64, b1: u64, word: u64, now: u32): u32 {
  let victim: u32 = 1;
  let oldest: i64 = -1;
  for (let way: u32 = 1; way <= WAYS; way++) {
    const tag = load<u64>(line + (way << 3));
    const flow = Flow.of((bucket << 3) + way);
    if (tag == h && flow.isOf(a0, a1, b0, b1, word)) return way;
    const age: i64 = tag == TAG_FREE ? i64.MAX_VALUE : <i64>idleMs(flow, now) + (flow.isProven ? 0 : UNPROVEN);
    // Our tag on another key: not ours, and never the victim, or the caller would take it for ours.
    if (age > oldest && tag != h) {
      oldest = age;
      victim = way;
    }
  }
  return victim;
}

function touch(flow: Flow, p: usize, m: Meta, swapped: bool, now: u32): void {
  // Written only when it changes: a line that two lanes share should not travel for nothing.
  if (flow.lastSeen != now) flow.lastSeen = now;
  let packets: u32;
  if (swapped) {
    packets = flow.packetsB + 1;
    flow.packetsB = packets;
    flow.bytesB += m.totalBytes;
  } else {
    packets = flow.packetsA + 1;
    flow.packetsA = packets;
    flow.bytesA += m.totalBytes;
  }
  m.packetNumber = <u16>min<u32>(packets, 0xffff);
  m.direction = (flow.state & (swapped ? FlowState.OpenedByB : FlowState.OpenedByA)) == 0 ? 1 : 0;
  if (m.protocol != PROTOCOL_TCP) return;
  // Of an established connection only its end is news.
  const flags: u32 = m.tcpFlags;
  if ((flags & (TCP_SYN | TCP_FIN | TCP_RST)) == 0 && (flow.state & FlowState.Established) != 0) return;
  noteTcp(flow, flags, swapped);
  noteDistance(flow, p, m);
}

/** Takes back what `track` counted, for a packet that it will see again. */
export function uncount(m: Meta): void {
  if (m.flow == 0) return;
  const flow = Flow.of(m.flow);
  const isFromB = ((flow.state & FlowState.OpenedByB) != 0) == (m.direction == 0);
  if (isFromB) {
    flow.packetsB--;
    flow.bytesB -= m.totalBytes;
  } else {
    flow.packetsA--;
    flow.bytesA -= m.totalBytes;
  }
}

/** Hops that a packet with this hop limit has come, if it began at 64, 128 or 255 as systems do. */
function hopsOf(hopLimit: u32): u32 {
  return (hopLimit <= 64 ? 64 : hopLimit <= 128 ? 128 : 255) - hopLimit;
}

/** The distance to the side that answered, for decoys that are to end before it. */
function noteDistance(flow: Flow, p: usize, m: Meta): void {
  if ((m.tcpFlags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK)) return;
  flow.hops = <u8>hopsOf(m.family == 4 ? Ipv4.at(p).ttl : Ipv6.at(p).hopLimit);
}

/** Milliseconds since the flow was seen; the lanes' clocks differ a little, and less than nothing is 0. */
function idleMs(flow: Flow, now: u32): i32 {
  return max<i32>(<i32>(now - flow.lastSeen), 0);
}

/**
 * Frees the flows not seen for `idleMax` milliseconds; returns how many. A bucket that somebody holds waits for the
 * next
 * time.
 */
export function expire(now: u32, idleMax: i32): i32 {
  let freed = 0;
  for (let bucket: u32 = 0; bucket <= bucketMask; bucket++) {
    const line = <usize>FLOW_TAGS_BASE + ((<usize>bucket) << 6);
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
