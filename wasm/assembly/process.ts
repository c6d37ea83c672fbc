// The story of one packet:
//   1. parsed into its record; what cannot be read passes as it came
//   2. a message in it is recognised, and the first rule that matches it decides
//   3. the rule's strategy runs over the plan, and the plan is emitted in the packet's place
//   4. otherwise it passes: as it is, or cut and finished for a way out without offload
//   5. it is entered into the books, once: its flow, and the reason of what became of it
import {
  Counter, LaneFlag, MetaFlag, Reason, RULE_EXCLUDE, RULE_STRATEGY, verdictOf, VNET_HEADER_BYTES,
} from "@bunnel/abi/src/index";
import { runStrategy } from "./desync/strategy";
import { finishChecksum } from "./emit/checksum";
import { emitPlan } from "./emit/plan";
import { emitOctets, startSegments } from "./emit/segment";
import { Flow, track } from "./flow/table";
import { Message, recognise } from "./l7/message";
import { txBytes, txCount, txList, txPublish, txReset, txRollBack } from "./mem/arena";
import { count, countReason, laneFlags, laneMtu } from "./mem/lane";
import { Meta, rxAt, rxBytes } from "./mem/meta";
import { Plan } from "./plan/plan";
import { matchRule } from "./rules/match";
import { activeRules, ruleAt, strategyAt } from "./rules/table";
import { Ipv6 } from "./wire/ipv6";
import { parse, PROTOCOL_TCP, PROTOCOL_UDP } from "./wire/packet";
import { GSO_NONE, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, Vnet } from "./wire/vnet";

/** What `decide` says when there is no room: the packet waits for the next poll. */
const NO_ROOM: i32 = -1;

/**
 * Works through packets `from` up to `to` (not included) of the burst and lists what goes out. Returns the index behind
 * the last packet done: less than `to` when the room for outgoing packets was used up; send, then poll again from there.
 */
export function poll(from: i32, to: i32, now: u32): i32 {
  txReset();
  const rules = activeRules();
  let i = from;
  let octets: u32 = 0;
  for (; i < to; i++) {
    const p = rxAt(i);
    const bytes = rxBytes(i);
    const m = Meta.of(i);
    const count0 = txCount;
    const bytes0 = txBytes;
    parse(p, bytes, m);
    const reason = handle(p, bytes, m, rules, i == from);
    if (reason == NO_ROOM) {
      txRollBack(count0, bytes0);
      break;
    }
    enter(p, m, reason, count0, now);
    octets += bytes;
  }
  count(Counter.PacketsIn, i - from);
  count(Counter.BytesIn, octets);
  txPublish();
  return i;
}

/** Enters the packet into the books; here and not earlier, because a packet without room comes again. */
function enter(p: usize, m: Meta, reason: i32, firstTx: i32, now: u32): void {
  m.reason = <u8>reason;
  m.verdict = <u8>verdictOf(reason);
  m.txFirst = <u16>firstTx;
  m.txCount = <u16>(txCount - firstTx);
  if ((laneFlags & LaneFlag.Track) != 0 && m.family != 0 && (m.flags & MetaFlag.Fragment) == 0) {
    const flow = track(p, m, now);
    if (reason == Reason.ReplacePlanned && flow != 0) noteOnFlow(m, Flow.of(flow));
  }
  if (m.l7 != 0) count(Counter.MessagesTls + <i32>m.l7 - 1, 1);
  countReason(reason);
}

function handle(p: usize, bytes: i32, m: Meta, rules: usize, isFirst: bool): i32 {
  if (m.family == 0) return pass(p, bytes, m, Reason.PassMalformed);
  if (m.family == 6 && (laneFlags & LaneFlag.DropLinkScope) != 0 && Ipv6.at(p).isLinkScope) {
    return Reason.DropLinkScope;
  }
  if ((m.flags & MetaFlag.Fragment) != 0) return pass(p, bytes, m, Reason.PassFragment);
  let reason: i32 = Reason.PassOrdinary;
  if ((laneFlags & LaneFlag.Plan) != 0) {
    const message = Message.current;
    if (recognise(p, m, message)) {
      reason = decide(p, bytes, m, message, rules, isFirst);
      if (reason < 0 || verdictOf(reason) != 0) return reason;
    }
  }
  return pass(p, bytes, m, reason);
}

/** A message was found: a Replace reason when its plan was emitted, else why it passes. */
function decide(p: usize, bytes: i32, m: Meta, message: Message, rules: usize, isFirst: bool): i32 {
  if (rules == 0) return Reason.PassNoRules;
  const rule = matchRule(rules, m, message);
  if (rule < 0) return message.hostBytes == 0 ? Reason.PassNoHost : Reason.PassNoRule;
  m.rule = <u16>(rule + 1);
  const strategy: u32 = load<u16>(ruleAt(rules, rule) + RULE_STRATEGY);
  if (strategy == RULE_EXCLUDE) return Reason.PassExcluded;
  const plan = Plan.current;
  plan.start(message.bytes);
  if (!runStrategy(plan, message, rules, strategyAt(rules, strategy))) return Reason.PassNoPlan;
  const limit = payloadLimit(p, m);
  if (limit < 1) return Reason.PassNoPlan;
  const count0 = txCount;
  const bytes0 = txBytes;
  if (!emitPlan(p, m, message, plan, limit)) {
    if (!isFirst) return NO_ROOM;
    // All the room there is was not enough for this plan: the message leaves as it came.
    txRollBack(count0, bytes0);
    return Reason.PassNoPlan;
  }
  return Reason.ReplacePlanned;
}

function noteOnFlow(m: Meta, flow: Flow): void {
  flow.rule = m.rule;
  flow.l7 = m.l7;
  flow.planned++;
}

/** Octets of payload that one outgoing packet may carry: the kernel's segment size where it gave one, else what the MTU leaves. */
function payloadLimit(p: usize, m: Meta): i32 {
  let limit = laneMtu - <i32>m.payloadOffset;
  if ((laneFlags & LaneFlag.RxVnet) != 0) {
    const vnet = Vnet.of(p);
    if (vnet.gsoType != GSO_NONE && vnet.gsoBytes > 0) limit = min<i32>(limit, vnet.gsoBytes);
  }
  return limit;
}

/** Lets the packet go, in the form that the way out takes. */
function pass(p: usize, bytes: i32, m: Meta, reason: i32): i32 {
  if ((laneFlags & LaneFlag.RxVnet) == 0) {
    if ((laneFlags & LaneFlag.TxVnet) != 0) Vnet.of(p).clear();
    return txList(p, bytes) ? reason : NO_ROOM;
  }
  if ((laneFlags & LaneFlag.TxVnet) != 0) return txList(p, bytes) ? reason : NO_ROOM;
  const vnet = Vnet.of(p);
  const type = vnet.gsoType;
  if (type == GSO_NONE) {
    if (vnet.needsChecksum && !finishChecksum(p, bytes, vnet)) return Reason.DropBadOffload;
    return txList(p, bytes) ? reason : NO_ROOM;
  }
  return cutSuperPacket(p, m, type);
}

/** A super-packet for a way out that takes none: cut as the kernel would have. */
function cutSuperPacket(p: usize, m: Meta, type: u32): i32 {
  const isTcp = m.protocol == PROTOCOL_TCP && type == (m.family == 4 ? GSO_TCPV4 : GSO_TCPV6);
  const isUdp = m.protocol == PROTOCOL_UDP && type == GSO_UDP_L4;
  const limit = payloadLimit(p, m);
  if (m.family == 0 || !(isTcp || isUdp) || limit < 1 || m.payloadBytes == 0) return Reason.DropBadOffload;
  startSegments();
  const source = p + m.payloadOffset;
  return emitOctets(p, m, source, 0, m.payloadBytes, limit, 0, 0, true) ? Reason.ReplaceSegmented : NO_ROOM;
}

if (VNET_HEADER_BYTES != 10) ERROR("struct virtio_net_hdr has ten octets");
