// Messages that are not whole yet, and messages that were planned a moment ago, so that a retransmission is planned the
// same way. One record and one place each, in the lane's hold region; only this lane uses them.
//
//   region: | Hold 64 × n | places × n |
//   place:  | list of packets 256 | headroom 128, headers, message … | copies of the packets as they came … |
import {
  HOLD_MESSAGE_MAX_BYTES,
  HOLD_PACKETS_MAX,
  HOLD_PLACE_BYTES,
  HOLD_RECORD_BYTES,
  HOLDS_MAX,
  LANE_HOLD,
  LANE_HOLD_BYTES,
  SLOT_HEADROOM_BYTES,
  WORD_DEADLINE,
  WORD_HELD,
  WORD_HOLDS,
} from "@bunnel/abi/src/index";
import { copy, isSame } from "../mem/copy";
import { lane, laneWord, setLaneWord } from "../mem/lane";
import { Meta } from "../mem/meta";
import { Flow } from "./table";

export const HOLD_FREE: u32 = 0;
/** Packets of a message are kept. */
export const HOLD_WAITING: u32 = 1;
/** The message was planned; its octets are kept. */
export const HOLD_PLANNED: u32 = 2;

const RECORD_BYTES: usize = HOLD_RECORD_BYTES;
const PLACE_BYTES: usize = HOLD_PLACE_BYTES;
const HOLD_WAYS: i32 = 4;
/** The rank of a place that is not to be had. */
const NEVER: i64 = i64.MAX_VALUE;
const HOLD_SETS: u32 = HOLDS_MAX / 4;
const PLACES_AT: usize = HOLDS_MAX * HOLD_RECORD_BYTES;
const LIST_ENTRY_BYTES: usize = 8;
const WHOLE_AT: usize = 256 + SLOT_HEADROOM_BYTES;
const HEADERS_MAX: usize = 256;
const COPIES_AT: usize = WHOLE_AT + HEADERS_MAX + HOLD_MESSAGE_MAX_BYTES;

@unmanaged
export class Hold {
  state: u32;
  flow: u32;
  hash: u64;
  /** Milliseconds of the host's clock. */
  deadline: u32;
  /** Sequence number of the message's first octet. */
  seq: u32;
  /** Octets of the message so far, and of the whole. */
  bytes: i32;
  wanted: i32;
  /** Payload octets of the largest packet. */
  limit: i32;
  packets: i32;
  copied: u32;
  /** Of the packets: what the other side sends meanwhile has nothing to do with them. */
  direction: u32;

  static at(i: i32): Hold {
    return changetype<Hold>(lane + LANE_HOLD + <usize>i * RECORD_BYTES);
  }
  /** Where its packets and its message are kept. */
  private get place(): usize {
    const first = lane + LANE_HOLD;
    return first + PLACES_AT + ((changetype<usize>(this) - first) / RECORD_BYTES) * PLACE_BYTES;
  }
  /** The first packet's headers and the message behind them: like a super-packet. */
  get whole(): usize {
    return this.place + WHOLE_AT;
  }

  packetAt(i: i32): usize {
    return load<u32>(this.place + <usize>i * LIST_ENTRY_BYTES);
  }
  packetBytes(i: i32): i32 {
    return load<i32>(this.place + <usize>i * LIST_ENTRY_BYTES + 4);
  }

  /** Keeps a copy of the packet and of what lies before it. False: there is no room. */
  keep(p: usize, bytes: i32): bool {
    const need = (<u32>bytes + SLOT_HEADROOM_BYTES + 7) & ~7;
    if (this.packets >= HOLD_PACKETS_MAX || COPIES_AT + this.copied + need > PLACE_BYTES) return false;
    const at = this.place + COPIES_AT + this.copied + SLOT_HEADROOM_BYTES;
    memory.copy(at - 16, p - 16, <usize>bytes + 16);
    const entry = this.place + <usize>this.packets * LIST_ENTRY_BYTES;
    store<u32>(entry, <u32>at);
    store<i32>(entry, bytes, 4);
    this.packets++;
    this.copied += need;
    setLaneWord(WORD_HELD, laneWord(WORD_HELD) + 1);
    return true;
  }

  /** Puts the packet's payload behind what is there. False: there is no room. */
  append(p: usize, m: Meta, limit: i32): bool {
    const size = <i32>m.payloadBytes;
    if (this.bytes + size > HOLD_MESSAGE_MAX_BYTES) return false;
    const headers = <i32>m.payloadOffset;
    if (this.bytes == 0) {
      // With what lies before them, and the payload behind them.
      if (<usize>headers > HEADERS_MAX) return false;
      copy(this.whole - 16, p - 16, 16 + headers + size);
    } else {
      copy(this.whole + <usize>(this.headerBytes + this.bytes), p + <usize>headers, size);
    }
    this.bytes += size;
    this.limit = max<i32>(this.limit, min<i32>(size, limit));
    return true;
  }

  /**
   * Keeps a message that was planned from the packet, so that its retransmissions are planned the same way: with
   * packets of at most `limit` octets of payload. They bring headers of their own. False: there is no room.
   */
  remember(p: usize, m: Meta, limit: i32): bool {
    const size = <i32>m.payloadBytes;
    if (size > HOLD_MESSAGE_MAX_BYTES || <usize>m.payloadOffset > HEADERS_MAX) return false;
    this.headerBytes = 0;
    copy(this.whole, p + <usize>m.payloadOffset, size);
    this.bytes = size;
    this.limit = limit;
    this.state = HOLD_PLANNED;
    return true;
  }

  /** Octets of the headers before the message. */
  headerBytes: i32;

  /** A message of the packet's flow, of which nothing is kept yet: all fields, in sixteens of octets. */
  begin(m: Meta, wanted: i32, deadline: u32): void {
    const at = changetype<usize>(this);
    const who = i64x2.splat(<u64>HOLD_WAITING | ((<u64>m.flow) << 32));
    const when = i64x2.splat(<u64>deadline | ((<u64>m.seq) << 32));
    v128.store(at, i64x2.replace_lane(who, 1, m.hash));
    v128.store(at, i64x2.replace_lane(when, 1, (<u64>(<u32>wanted)) << 32), 16);
    v128.store(at, i64x2.replace_lane(i64x2.splat(0), 1, (<u64>m.direction) << 32), 32);
    this.headerBytes = m.payloadOffset;
  }

  /** Whether the packet carries the very octets that stand at `offset` of the message. */
  hasOctets(p: usize, m: Meta, offset: i32): bool {
    // Written so that a distance near 2^31 does not overflow.
    if (offset < 0 || offset > this.bytes - <i32>m.payloadBytes) return false;
    const own = this.whole + <usize>(this.headerBytes + offset);
    return isSame(own, p + m.payloadOffset, m.payloadBytes);
  }

  /** The packets are no longer kept. */
  forgetPackets(): void {
    setLaneWord(WORD_HELD, laneWord(WORD_HELD) - <u32>this.packets);
    this.packets = 0;
    this.copied = 0;
  }

  /** Its flow, if that is still known, has no kept message. */
  leaveFlow(): void {
    const flow = Flow.of(this.flow);
    if (flow.isOfHash(this.hash, this.flow)) flow.hasHold = false;
  }

  free(): void {
    if (this.state == HOLD_FREE) return;
    this.forgetPackets();
    this.leaveFlow();
    this.state = HOLD_FREE;
    setLaneWord(WORD_HOLDS, laneWord(WORD_HOLDS) - 1);
  }
}

/** The first of the few places where a flow's message may be: a set, chosen by the flow's hash. */
function firstPlace(m: Meta): i32 {
  return <i32>((<u32>(m.hash >>> 40) * HOLD_SETS) >>> 24) * HOLD_WAYS;
}

/** The place of the packet's flow, for this direction; null: it has none. */
export function findHold(m: Meta): Hold | null {
  if (laneWord(WORD_HOLDS) == 0) return null;
  const first = firstPlace(m);
  for (let i = first; i < first + HOLD_WAYS; i++) {
    const hold = Hold.at(i);
    if (hold.state == HOLD_FREE || hold.flow != m.flow || hold.hash != m.hash) continue;
    return hold.direction == m.direction ? hold : null;
  }
  return null;
}

/**
 * A place for a message of the packet's flow: its own, a free one, or the planned one that is oldest. null: none, or
 * its own still keeps packets. They leave at their deadline: a flow that was forgotten meanwhile knows nothing of them.
 */
export function takeHold(m: Meta, wanted: i32, deadline: u32): Hold | null {
  const place = findPlace(m, deadline);
  if (place == null) return null;
  let others = laneWord(WORD_HOLDS);
  if (place.state != HOLD_FREE) {
    if (place.packets > 0) return null;
    place.leaveFlow();
    others--;
  }
  place.begin(m, wanted, deadline);
  if (others == 0 || <i32>(deadline - laneWord(WORD_DEADLINE)) < 0) setLaneWord(WORD_DEADLINE, deadline);
  setLaneWord(WORD_HOLDS, others + 1);
  Flow.of(m.flow).hasHold = true;
  return place;
}

/**
 * `deadline` is that of the message that the place is for. Nobody can foretell which place of a set is the oldest: the
 * choice is to be no branch.
 */
function findPlace(m: Meta, deadline: u32): Hold | null {
  const first = firstPlace(m);
  let best: usize = 0;
  let least = NEVER;
  for (let i = first; i < first + HOLD_WAYS; i++) {
    const hold = Hold.at(i);
    const state = hold.state;
    if (hold.hash == m.hash && hold.flow == m.flow && state != HOLD_FREE) return hold;
    const age: i64 = select<i64>(<i64>(<i32>(hold.deadline - deadline)), NEVER, state == HOLD_PLANNED);
    const rank = select<i64>(i64.MIN_VALUE, age, state == HOLD_FREE);
    best = select<usize>(changetype<usize>(hold), best, rank < least);
    least = min<i64>(rank, least);
  }
  return changetype<Hold | null>(best);
}

if (PLACES_AT + <usize>HOLDS_MAX * PLACE_BYTES > <usize>LANE_HOLD_BYTES) {
  ERROR("the hold region is too small for its places");
}
if (
  offsetof<Hold>("flow") != 4 ||
  offsetof<Hold>("hash") != 8 ||
  offsetof<Hold>("deadline") != 16 ||
  offsetof<Hold>("seq") != 20 ||
  offsetof<Hold>("bytes") != 24 ||
  offsetof<Hold>("wanted") != 28 ||
  offsetof<Hold>("limit") != 32 ||
  offsetof<Hold>("direction") != 44 ||
  offsetof<Hold>("headerBytes") != 48
) {
  ERROR("a Hold does not lie as `begin` writes it");
}
if (offsetof<Hold>() > RECORD_BYTES) ERROR("a Hold does not fit into its record");
if (<usize>HOLD_PACKETS_MAX * LIST_ENTRY_BYTES > WHOLE_AT - SLOT_HEADROOM_BYTES) {
  ERROR("the list of a place is too small");
}
