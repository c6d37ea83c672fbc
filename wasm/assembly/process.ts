// The story of one packet:
//   1. parsed into its record; what cannot be read passes as it came
//      where flows are translated to a listener, those packets end here: see translate/story.ts; so do datagrams and
//      echo requests that are carried on by sockets: see carry/story.ts
//   2. its flow is found or made
//      most packets end here: a look at the first octets shows that no rule asks for them
//   3. a message in it is recognised, and the first rule that matches it decides; a message that is not whole is held,
//      and a SYN bears the name that its destination was last asked for by
//   4. the rule's strategy runs over the plan, and the plan is emitted in the packet's place
//   5. otherwise it passes: as it is, or cut and finished for a way out without offload
//   6. it is entered into the books under the reason of what became of it
import {
  Counter,
  L7,
  LANE_NAME,
  LaneFlag,
  MetaFlag,
  Reason,
  Verdict,
  verdictOf,
  WORD_ANSWERED,
  WORD_ASKED,
} from "@bunnel/abi/src/index";
import { nameOfDestination } from "./flow/names";
import { Flow, track, uncount } from "./flow/table";
import { Found, isOrdinary, Message, recognise } from "./l7/message";
import { settledCount, txBytes, txCount, txList, txPublish, txReset, txRollBack } from "./mem/arena";
import { followHost, count, countReason, countRule, lane, laneFlags, laneWord, setLaneWord } from "./mem/lane";
import { Meta, rxAt, rxBytes } from "./mem/meta";
import { enterRules, leaveRules, wantedKinds } from "./rules/table";
import { decide } from "./story/decide";
import { begin, beginDatagram, goOn, goOnDatagrams, NOT_HELD, releaseExpired, remember } from "./story/held";
import { NOT_YET, pass, payloadLimit } from "./story/pass";
import { carriedKinds, enterCarried } from "./carry/story";
import { beginTranslations, isTranslating, NOT_OURS, enterTranslated } from "./translate/story";
import { Ipv6 } from "./wire/ipv6";
import { parse, PROTOCOL_TCP, PROTOCOL_UDP } from "./wire/packet";

/**
 * Works through packets `from` up to `to` (not included) of the burst and lists what goes out. Returns the index behind
 * the last packet done. Less than `to`: send what is listed, answer if the engine asked, then poll again from there.
 */
export function poll(from: i32, to: i32, now: u32): i32 {
  txReset();
  followHost();
  setLaneWord(WORD_ASKED, 0);
  releaseExpired(now);
  beginTranslations(now);
  const translates = isTranslating();
  const rules = enterRules();
  const kinds = (laneFlags & LaneFlag.Plan) != 0 && rules != 0 ? wantedKinds(rules) : 0;
  const carries = (laneFlags & LaneFlag.Carry) != 0 && rules != 0 ? carriedKinds(rules) : 0;
  // What becomes of a packet that nobody asks for.
  const quiet: i32 = (laneFlags & LaneFlag.Plan) != 0 && rules == 0 ? Reason.PassNoRules : Reason.PassOrdinary;
  let i = from;
  let octets: u32 = 0;
  let quietCount: u32 = 0;
  for (; i < to; i++) {
    const p = rxAt(i);
    const bytes = rxBytes(i);
    const m = Meta.of(i);
    const count0 = txCount;
    const isWhole = parse(p, bytes, m) && m.flags == 0;
    const translated = translates ? enterTranslated(p, bytes, m, rules, now) : NOT_OURS;
    if (translated == NOT_YET) break;
    if (translated != NOT_OURS || (carries != 0 && enterCarried(p, m, rules, carries, now))) {
      octets += bytes;
      continue;
    }
    if (isWhole && (laneFlags & LaneFlag.Track) != 0) track(p, m, now);
    if (isWhole && isQuiet(p, m, kinds) && txList(p, bytes)) {
      m.setBooks(quiet, Verdict.Pass, count0, 1);
      quietCount++;
      octets += bytes;
      continue;
    }
    const bytes0 = txBytes;
    let reason = handle(p, bytes, m, rules, now, i, from);
    if (reason == NOT_YET) {
      txRollBack(count0, bytes0);
      // With all the room there is, what cannot be sent now can never be.
      if (txCount > 0 || laneWord(WORD_ASKED) != 0) {
        uncount(m);
        break;
      }
      reason = Reason.DropBadOffload;
    }
    // What was released on the way stands for other packets.
    enter(m, reason, max<i32>(count0, settledCount));
    octets += bytes;
  }
  leaveRules();
  setLaneWord(WORD_ANSWERED, 0);
  count(Counter.PacketsIn, i - from);
  count(Counter.BytesIn, octets);
  count(Counter.Reasons + quiet, quietCount);
  txPublish();
  return i;
}

/** Whether the packet goes on as it came: nobody asks for it, and the way out takes it in this form. */
function isQuiet(p: usize, m: Meta, kinds: u32): bool {
  const offload = laneFlags & (LaneFlag.RxVnet | LaneFlag.TxVnet);
  if (offload != 0 && offload != (LaneFlag.RxVnet | LaneFlag.TxVnet)) return false;
  if (m.family == 6 && (laneFlags & LaneFlag.DropLinkScope) != 0 && Ipv6.at(p).isLinkScope) return false;
  return kinds == 0 || (!hasKeptMessage(m) && isOrdinary(p, m));
}

/** Whether a message of the packet's flow is held or remembered. */
function hasKeptMessage(m: Meta): bool {
  return m.flow != 0 && Flow.of(m.flow).hasHold;
}

/** Enters the packet into the books. */
function enter(m: Meta, reason: i32, firstTx: i32): void {
  m.setBooks(reason, verdictOf(reason), firstTx, txCount - firstTx);
  if (m.l7 != 0 && reason != Reason.HoldMessage) {
    count(counterOf(m.l7), 1);
    if (m.rule != 0) countRule(m.rule);
  }
  countReason(reason);
}

function counterOf(l7: u32): i32 {
  if (<i32>l7 <= L7.Http) return Counter.MessagesTls + <i32>l7 - 1;
  return Counter.MessagesQuic + <i32>l7 - L7.Quic;
}

function handle(p: usize, bytes: i32, m: Meta, rules: usize, now: u32, i: i32, from: i32): i32 {
  if (m.family == 0) return pass(p, bytes, m, Reason.PassMalformed);
  if (m.family == 6 && (laneFlags & LaneFlag.DropLinkScope) != 0 && Ipv6.at(p).isLinkScope) {
    return Reason.DropLinkScope;
  }
  if ((m.flags & MetaFlag.Fragment) != 0) return pass(p, bytes, m, Reason.PassFragment);
  if ((laneFlags & LaneFlag.Plan) == 0) return pass(p, bytes, m, Reason.PassOrdinary);
  if (rules == 0) return pass(p, bytes, m, Reason.PassNoRules);
  const reason = plan(p, bytes, m, rules, now, i, i == from);
  return reason == NOT_YET || verdictOf(reason) != 0 ? reason : pass(p, bytes, m, reason);
}

/** What the rules make of the packet: a Pass reason, what became of it, or NOT_YET. */
function plan(p: usize, bytes: i32, m: Meta, rules: usize, now: u32, i: i32, isFirst: bool): i32 {
  if (m.protocol == PROTOCOL_TCP && m.payloadBytes > 0 && hasKeptMessage(m)) {
    const held = goOn(p, bytes, m, rules, now, isFirst);
    if (held != NOT_HELD) return held;
  }
  const message = Message.current;
  const found = recognise(p, m, message, wantedKinds(rules), i);
  if (found == Found.Nothing) return Reason.PassOrdinary;
  if (found == Found.Ask) {
    setLaneWord(WORD_ASKED, i + 1);
    return NOT_YET;
  }
  if (m.protocol == PROTOCOL_UDP) {
    if (found == Found.Partial && beginDatagram(p, bytes, m, now)) return Reason.HoldMessage;
    const held = goOnDatagrams(m, rules, isFirst);
    if (held != NOT_HELD) return verdictOf(held) == Verdict.Drop || held == NOT_YET ? held : Reason.PassOrdinary;
  } else if (found == Found.Partial && begin(p, bytes, m, message, now)) {
    return Reason.HoldMessage;
  }
  if (message.l7 == L7.Syn) {
    message.hostAt = lane + LANE_NAME;
    message.hostBytes = nameOfDestination(p, m, now);
  }
  const reason = decide(p, m, message, rules, payloadLimit(p, m), 0, message.bytes, isFirst);
  if (reason == Reason.ReplacePlanned && m.protocol == PROTOCOL_TCP) remember(p, m, now);
  return reason;
}
