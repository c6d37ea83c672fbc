// The packets that most steps leave as: one packet each, with the headers of the packet at hand, in which lengths,
// numbers, flags and hop limit are set.
// What stays the same is summed once per message. Each checksum is that sum plus the fields that were set: nothing
// that was just written is read again.
import { Fooling, LaneFlag } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { txAlloc, txList } from "../mem/arena";
import { copyHeaders } from "../mem/copy";
import { laneFlags } from "../mem/lane";
import { Meta } from "../mem/meta";
import { Plan } from "../plan/plan";
import { Step, STEP_REAL } from "../plan/step";
import { fold, Octets } from "../wire/checksum";
import { Ipv4 } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/packet";
import { Tcp, TCP_ACK } from "../wire/tcp";
import { Udp } from "../wire/udp";
import { Vnet } from "../wire/vnet";
import { spoilChecksum } from "./checksum";
import { rename } from "./decoy";
import { countMade, flagsFor, idFor, ttlFor } from "./fields";

/** Foolings that add to the header or change it at a place that is to be looked for. */
const ELSEWHERE: u32 = Fooling.Md5Sig | Fooling.Ts | Fooling.DataOffset;

// Sums of what the packets made of one have in common, ready to be added to.
let networkSum: u32 = 0;
let transportSum: u64 = 0;

/** Begins the packets of a new packet at hand. */
export function startPlain(p: usize, m: Meta): void {
  const q = p + m.l4Offset;
  const isV4 = m.family == 4;
  networkSum = isV4 ? fold(Ipv4.at(p).restSum()) : 0;
  const pseudo = isV4 ? Ipv4.at(p).pseudoSum(m.protocol, 0) : Ipv6.at(p).pseudoSum(m.protocol, 0);
  transportSum = pseudo + (m.protocol == PROTOCOL_TCP ? Tcp.at(q).restSum() : Udp.at(q).restSum());
}

/** Octets of payload that a packet whose headers this file writes may have, of at most `room`; -1: it writes none. */
export function plainRoom(m: Meta, plan: Plan, room: i32): i32 {
  const isOurs = m.protocol == PROTOCOL_TCP || m.protocol == PROTOCOL_UDP;
  return isOurs && room > 0 && plan.hopByHop == 0 ? room : -1;
}

/** Whether the real packets need more than the fields that this file sets. */
export function changesReal(plan: Plan): bool {
  return (plan.fragmentBytes | plan.hasTos | <i32>plan.mss | plan.windowScale) != 0;
}

/** Whether the step, a decoy or one whose headers need no more, leaves as one packet of at most `room` octets. */
export function isPlain(step: Step, foolings: u32, room: i32): bool {
  return step.to - step.from <= room && (step.overlap | step.trail | <i32>(foolings & ELSEWHERE)) == 0;
}

/** A step that leaves as one packet. */
@unmanaged
export class PlainStep {
  static of(step: Step): PlainStep {
    return changetype<PlainStep>(step);
  }
  get step(): Step {
    return changetype<Step>(this);
  }

  /**
   * Sends the step's octets, which lie from `source` on, in one packet, `delayMs` from now; `renames`: with the step's
   * name in place of the true one. False: no room.
   *
   * Compiled into the loop that calls it: what a call saves and restores costs a hello of four packets 12 ns.
   */
  @inline
  emit(
    p: usize,
    m: Meta,
    message: Message,
    plan: Plan,
    source: usize,
    foolings: u32,
    delayMs: u32,
    renames: bool,
  ): bool {
    const step = this.step;
    const l4Offset = <i32>m.l4Offset;
    const headers = <i32>m.payloadOffset;
    const from = step.from;
    const bytes = headers + step.to - from;
    const packet = txAlloc(bytes);
    if (packet == 0) return false;
    const payload = packet + <usize>headers;
    let sum = transportSum + Octets.at(source + <usize>from).copyAndSum(payload, step.to - from);
    if (renames) sum += rename(payload, m, message, step);
    copyHeaders(packet, p, headers);
    const ttl = ttlFor(p, m, step, foolings);
    if (m.family == 4) Ipv4.at(packet).setFields(bytes, idFor(Ipv4.at(p).id, m, plan, step), ttl, networkSum);
    else Ipv6.at(packet).setLengthHopLimit(bytes, ttl);
    const l4 = packet + <usize>l4Offset;
    if (m.protocol != PROTOCOL_TCP) {
      Udp.at(l4).setFields(bytes - l4Offset, sum);
    } else {
      let flags = flagsFor(m, step, from, step.to >= message.bytes);
      let seq = m.seq + <u32>from;
      if ((foolings & (Fooling.DataNoAck | Fooling.BadSeq)) != 0) {
        if ((foolings & Fooling.DataNoAck) != 0) flags &= ~TCP_ACK;
        if ((foolings & Fooling.BadSeq) != 0) {
          seq += <u32>step.seqShift;
          sum += Tcp.at(l4).changeAck(m.ack + <u32>step.ackShift);
        }
      }
      if (plan.hasWindow != 0 && step.kind == STEP_REAL) sum += Tcp.at(l4).changeWindow(plan.window);
      Tcp.at(l4).setFields(seq, flags, bytes - l4Offset, sum);
    }
    countMade(step.kind == STEP_REAL);
    if ((foolings & Fooling.BadSum) != 0) spoilChecksum(packet, m.protocol, l4Offset);
    if ((laneFlags & LaneFlag.TxVnet) != 0) Vnet.of(packet).clear();
    return txList(packet, bytes, delayMs);
  }
}
