// What differs between the packets made of one: identification, hop limit and flags.
import { Fooling, IpIdScheme } from "@bunnel/abi/src/index";
import { Meta } from "../mem/meta";
import { Plan } from "../plan/plan";
import { BELONGS_BEFORE, FLAGS_AS_IS, Step, STEP_REAL } from "../plan/step";
import { Ipv4 } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";
import { PROTOCOL_TCP } from "../wire/packet";
import { nextRandom, seedOf } from "../wire/random";
import { TCP_CWR, TCP_FIN, TCP_PSH, TCP_SYN } from "../wire/tcp";
import { hopLimitFor } from "./fooling";

// Packets made of the packet at hand, and real ones among them: for identifications.
let made: u32 = 0;
let madeReal: u32 = 0;

/** Begins the packets of a new packet at hand. */
export function startFields(): void {
  made = 0;
  madeReal = 0;
}

/** The packet at hand was made: the next one has other numbers. */
export function countMade(isReal: bool): void {
  made++;
  if (isReal) madeReal++;
}

/** The IPv4 identification of the next packet; `id` is that of the packet at hand. */
export function idFor(id: u32, m: Meta, plan: Plan, step: Step): u32 {
  const scheme: u32 = plan.idScheme;
  if (scheme == IpIdScheme.Sequential) return id + made;
  if (scheme == IpIdScheme.Zero) return 0;
  if (scheme == IpIdScheme.Random) return nextRandom(seedOf(m.hash, numberOf(m) + made)) >>> 16;
  const isBehindItsPiece = step.belongs == BELONGS_BEFORE && madeReal > 0;
  return id + madeReal - (isBehindItsPiece ? 1 : 0);
}

/** What tells the packets of one flow apart: a datagram has no sequence number. */
function numberOf(m: Meta): u32 {
  return m.protocol == PROTOCOL_TCP ? m.seq : <u32>m.packetNumber;
}

/**
 * The same for all fragments of the packet that was made last, another for every other packet. A retransmission has its
 * own: half of an earlier copy may still wait at the endpoint, and the two differ in their time stamps.
 */
export function fragmentId(m: Meta): u32 {
  return nextRandom(seedOf(m.hash, m.seq + <u32>m.packetNumber * 0x85ebca6b + made * 0x27d4eb2f));
}

/** Time to live or hop limit of a packet of this step. */
export function ttlFor(p: usize, m: Meta, step: Step, foolings: u32): u32 {
  if ((foolings & (Fooling.Ttl | Fooling.AutoTtl)) != 0) return hopLimitFor(m, step);
  if (step.kind == STEP_REAL && step.ttl > 0) return step.ttl;
  return m.family == 4 ? Ipv4.at(p).ttl : Ipv6.at(p).hopLimit;
}

/**
 * TCP flags of the packet whose first octet stands at `offset`. FIN and PSH belong to the last octet, CWR to the first
 * packet (RFC 3168 section 6.1.2); a decoy never ends a stream.
 */
export function flagsFor(m: Meta, step: Step, offset: i32, isEnd: bool): u32 {
  if (step.tcpFlags != FLAGS_AS_IS) return step.tcpFlags;
  let flags: u32 = m.tcpFlags;
  if (!isEnd && (flags & TCP_SYN) == 0) flags &= ~(TCP_FIN | TCP_PSH);
  if (step.kind != STEP_REAL) flags &= ~TCP_FIN;
  if (offset != 0) flags &= ~TCP_CWR;
  return flags;
}
