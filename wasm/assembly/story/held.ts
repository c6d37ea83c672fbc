// Messages over several packets, and their retransmissions.
//   begin     the first part of a message came: it is kept, with a deadline
//   go on     a further part came: when the message is whole, it is planned in place of all its packets
//   again     a part of a message came that was planned a moment ago: the same plan, that part of it
//   release   a message did not become whole in time, or came in another order: its packets leave as they came
import {
  HOLD_MAX_MS,
  HOLD_PACKETS_MAX,
  HOLDS_MAX,
  L7,
  Reason,
  REMEMBER_MS,
  Verdict,
  verdictOf,
  WORD_DEADLINE,
  WORD_HOLDS,
} from "@bunnel/abi/src/index";
import { findHold, Hold, HOLD_FREE, HOLD_PLANNED, HOLD_WAITING, takeHold } from "../flow/hold";
import { Message, noteMessage, recogniseAt } from "../l7/message";
import { txAlloc, txBytes, txCount, txRollBack, txSettle } from "../mem/arena";
import { laneMtu, laneWord, recountHeld, setLaneWord } from "../mem/lane";
import { Meta } from "../mem/meta";
import { parse } from "../wire/packet";
import { seqDistance } from "../wire/seq";
import { TCP_FIN, TCP_PSH } from "../wire/tcp";
import { decide } from "./decide";
import { NOT_YET, pass, payloadLimit } from "./pass";

/** What `goOn` says of a packet that belongs to no kept message. */
export const NOT_HELD: i32 = -2;

/** Keeps the packet as the first part of a message. False: it cannot be kept. */
export function begin(p: usize, bytes: i32, m: Meta, message: Message, now: u32): bool {
  if (m.flow == 0) return false;
  const hold = takeHold(m, message.bytes + message.missing, now + HOLD_MAX_MS);
  if (hold == null) return false;
  if (hold.append(p, m, payloadLimit(p, m)) && hold.keep(p, bytes)) return true;
  hold.free();
  return false;
}

/** Remembers a message that was planned from one packet. */
export function remember(p: usize, m: Meta, now: u32): void {
  if (m.flow == 0 || m.l7 == L7.Syn || m.payloadBytes == 0) return;
  const hold = takeHold(m, m.payloadBytes, now + REMEMBER_MS);
  if (hold == null) return;
  // The limit that the plan was made with: it is to be the same again.
  if (!hold.remember(p, m, payloadLimit(p, m))) hold.free();
}

/** A packet of a flow with a kept message: its reason, NOT_YET, or NOT_HELD when it has nothing to do with it. */
export function goOn(p: usize, bytes: i32, m: Meta, rules: usize, now: u32, isFirst: bool): i32 {
  const hold = findHold(m);
  if (hold == null) return NOT_HELD;
  const offset = seqDistance(hold.seq, m.seq);
  if (hold.state == HOLD_PLANNED) {
    return hold.hasOctets(p, m, offset) ? again(p, m, hold, rules, offset, isFirst) : NOT_HELD;
  }
  if (offset == hold.bytes && hold.append(p, m, payloadLimit(p, m))) {
    if (hold.bytes < hold.wanted && hold.keep(p, bytes)) return Reason.HoldMessage;
    return whole(p, bytes, m, hold, rules, now, isFirst);
  }
  return release(hold, Reason.PassHeldInVain) ? NOT_HELD : NOT_YET;
}

/** All parts are there, or as many as there is room for: planned whole, or released in order. */
function whole(p: usize, bytes: i32, m: Meta, hold: Hold, rules: usize, now: u32, isFirst: bool): i32 {
  const message = Message.current;
  const first = Meta.spare;
  parse(hold.packetAt(0), hold.packetBytes(0), first);
  first.flow = m.flow;
  first.hash = m.hash;
  first.payloadBytes = <u16>hold.bytes;
  first.direction = m.direction;
  first.packetNumber = m.packetNumber;
  // What belongs to the last octet stands in the last packet.
  first.tcpFlags = <u8>(first.tcpFlags | (m.tcpFlags & (TCP_FIN | TCP_PSH)));
  let reason: i32 = Reason.PassHeldInVain;
  const isMessage = recogniseAt(hold.whole + <usize>hold.headerBytes, hold.bytes, first, message);
  // A further record begins: how much it holds could not be known before.
  if (isMessage && message.missing > 0 && hold.packets < HOLD_PACKETS_MAX && hold.keep(p, bytes)) {
    hold.wanted = hold.bytes + message.missing;
    return Reason.HoldMessage;
  }
  if (isMessage && message.missing == 0) {
    reason = decide(hold.whole, first, message, rules, min<i32>(hold.limit, laneMtu), 0, hold.bytes, isFirst);
  }
  if (reason == NOT_YET) {
    hold.bytes -= m.payloadBytes;
    return NOT_YET;
  }
  m.rule = first.rule;
  noteMessage(m, message);
  if (verdictOf(reason) == 0) {
    if (!release(hold, reason)) {
      hold.bytes -= m.payloadBytes;
      return NOT_YET;
    }
    return pass(p, bytes, m, reason);
  }
  for (let i = 0; i < hold.packets; i++) recountHeld(reason);
  hold.forgetPackets();
  hold.state = HOLD_PLANNED;
  hold.deadline = now + REMEMBER_MS;
  return reason;
}

/** A retransmission: planned as the first time, and what it does not carry left out. */
function again(p: usize, m: Meta, hold: Hold, rules: usize, offset: i32, isFirst: bool): i32 {
  const message = Message.current;
  const size = <i32>m.payloadBytes;
  if (!recogniseAt(hold.whole + <usize>hold.headerBytes, hold.bytes, m, message)) return NOT_HELD;
  const seq = m.seq;
  m.seq = hold.seq;
  const limit = min<i32>(hold.limit, payloadLimit(p, m));
  const reason = decide(p, m, message, rules, limit, offset, offset + size, isFirst);
  m.seq = seq;
  return reason == NOT_YET || verdictOf(reason) != 0 ? reason : NOT_HELD;
}

/** Keeps a datagram whose name goes on in later ones. False: it cannot be kept. */
export function beginDatagram(p: usize, bytes: i32, m: Meta, now: u32): bool {
  if (m.flow == 0) return false;
  const known = findHold(m);
  if (known != null && known.state == HOLD_WAITING) return known.keep(p, bytes);
  const hold = takeHold(m, 0, now + HOLD_MAX_MS);
  if (hold == null) return false;
  if (hold.keep(p, bytes)) return true;
  hold.free();
  return false;
}

/**
 * The name that kept datagrams began is known now: the first of them is planned with it, the others follow as they
 * came.
 * Returns what became of them, or NOT_HELD when none are kept; the packet at hand is still to be sent.
 */
export function goOnDatagrams(m: Meta, rules: usize, isFirst: bool): i32 {
  const hold = findHold(m);
  if (hold == null || hold.state != HOLD_WAITING || hold.packets == 0) return NOT_HELD;
  const message = Message.current;
  const hostAt = message.hostAt;
  const hostBytes = message.hostBytes;
  const first = Meta.spare;
  const p = hold.packetAt(0);
  parse(p, hold.packetBytes(0), first);
  first.flow = m.flow;
  first.hash = m.hash;
  first.packetNumber = m.packetNumber;
  message.start(p + first.payloadOffset, first.payloadBytes);
  message.l7 = L7.Quic;
  message.hostAt = hostAt;
  message.hostBytes = hostBytes;
  const reason = decide(p, first, message, rules, payloadLimit(p, first), 0, message.bytes, isFirst);
  if (reason == NOT_YET) return NOT_YET;
  m.rule = first.rule;
  if (verdictOf(reason) == 0) return release(hold, reason) ? reason : NOT_YET;
  for (let i = 1; i < hold.packets && verdictOf(reason) != Verdict.Drop; i++) {
    if (!sendKept(hold, i, reason)) return NOT_YET;
  }
  for (let i = 0; i < hold.packets; i++) recountHeld(reason);
  hold.free();
  txSettle();
  return reason;
}

/**
 * Sends the kept packets as they came. False: there is no room for all of them; what was listed is to be rolled back.
 */
function release(hold: Hold, reason: i32): bool {
  for (let i = 0; i < hold.packets; i++) {
    if (!sendKept(hold, i, reason)) return false;
  }
  for (let i = 0; i < hold.packets; i++) recountHeld(reason);
  hold.free();
  txSettle();
  return true;
}

/** Sends a copy: the place may be taken again before this poll's packets are on their way. */
function sendKept(hold: Hold, i: i32, reason: i32): bool {
  const bytes = hold.packetBytes(i);
  const copy = txAlloc(bytes);
  if (copy == 0) return false;
  memory.copy(copy - 16, hold.packetAt(i) - 16, bytes + 16);
  const m = Meta.spare;
  parse(copy, bytes, m);
  return pass(copy, bytes, m, reason) != NOT_YET;
}

/**
 * Releases what waited too long, and forgets what was planned long ago. At the start of a poll there is room for it.
 */
export function releaseExpired(now: u32): void {
  if (laneWord(WORD_HOLDS) == 0 || <i32>(now - laneWord(WORD_DEADLINE)) < 0) return;
  let next: u32 = now + REMEMBER_MS;
  for (let i = 0; i < HOLDS_MAX; i++) {
    const hold = Hold.at(i);
    if (hold.state == HOLD_FREE) continue;
    if (<i32>(now - hold.deadline) < 0) {
      if (<i32>(hold.deadline - next) < 0) next = hold.deadline;
      continue;
    }
    if (hold.state == HOLD_PLANNED) {
      hold.free();
      continue;
    }
    const count0 = txCount;
    const bytes0 = txBytes;
    if (release(hold, Reason.PassHeldInVain)) continue;
    // There was no room: it stays, and is due.
    txRollBack(count0, bytes0);
    next = now;
  }
  setLaneWord(WORD_DEADLINE, next);
}
