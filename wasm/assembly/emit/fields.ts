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

const IPV4_FRAGMENT_IDS: u32 = 0xffff;
/** The golden section of so many numbers, without a divisor in common with them. */
const GOLDEN_OF_16_BITS: u32 = 40502;
const GOLDEN_OF_32_BITS: u32 = 0x9e3779b1;

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
 * The same for all fragments of the packet that was made last, another for every other packet (RFC 6864 section 4.3).
 * A retransmission has its own: half of an earlier copy may still wait at the endpoint, and a datagram that is put
 * together of both can have the right checksum. What is made of one packet gets numbers in a row, and the rows of a
 * flow's packets begin as far from each other as they can: each the golden section of all numbers behind the last.
 * IPv4: 1 to 65535, since systems give a number of their own to what has none.
 */
export function fragmentId(m: Meta): u32 {
  const number: u32 = m.packetNumber;
  const start = nextRandom(seedOf(m.hash, number == 0 ? m.seq : 0));
  if (m.family == 6) return start + made + number * GOLDEN_OF_32_BITS;
  return 1 + (((start & 0xffff) + made + number * GOLDEN_OF_16_BITS) % IPV4_FRAGMENT_IDS);
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
