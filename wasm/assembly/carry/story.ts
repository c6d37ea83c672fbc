// The story of a datagram or an echo request where rules have them carried on by sockets of the host:
//   1. anything else, and what goes to many or no further than the link, is not ours
//   2. the first rule that wants it decides, for each packet anew: there is no state to lose
//   3. of a datagram in fragments the first one decides, the others follow it
//   4. it stays where it lies, for the host to take, and is entered into the books as replaced
import { HEADER_CARRIED, LaneFlag, MetaFlag, Reason, RuleEgress, verdictOf } from "@bunnel/abi/src/index";
import { Flow, track } from "../flow/table";
import { txCount } from "../mem/arena";
import { countReason, countRule, laneFlags } from "../mem/lane";
import { Meta } from "../mem/meta";
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_UDP } from "../wire/packet";
import { Ipv6 } from "../wire/ipv6";
import { carryingRule } from "./choose";
import { datagramOf, isCarriedDatagram, noteFragments } from "./fragments";

/** RFC 792, RFC 4443 section 4.1: type and code, as they lie in memory. */
const ECHO_REQUEST: u16 = 0x0008;
const ECHO_REQUEST6: u16 = 0x0080;
/** The first octet of multicast and of what lies above it (RFC 5771), and of multicast (RFC 4291 section 2.7). */
const MULTICAST: u32 = 224;
const MULTICAST6: u32 = 0xff;

/** Bits 1 << RuleEgress of what some rule has carried on. */
export function carriedKinds(table: usize): u32 {
  return load<u32>(table + HEADER_CARRIED);
}

/** Takes the packet out where a rule wants it. False: it goes the way of those that are not carried. */
export function enterCarried(p: usize, m: Meta, rules: usize, kinds: u32, now: u32): bool {
  if (!isCarried(p, m, rules, kinds, now)) return false;
  m.setBooks(Reason.ReplaceCarried, verdictOf(Reason.ReplaceCarried), txCount, 0);
  countReason(Reason.ReplaceCarried);
  return true;
}

function isCarried(p: usize, m: Meta, rules: usize, kinds: u32, now: u32): bool {
  const protocol: u32 = m.protocol;
  const isUdp = protocol == PROTOCOL_UDP;
  if (m.family == 0 || (!isUdp && protocol != (m.family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6))) return false;
  const egress: u32 = isUdp ? RuleEgress.Datagrams : RuleEgress.Echo;
  if ((kinds & (1 << egress)) == 0) return false;
  const isFragment = (m.flags & MetaFlag.Fragment) != 0;
  const datagram: u64 = isFragment ? datagramOf(p, m) : 0;
  if (isFragment && datagram == 0) return false;
  if (m.fragmentOffset != 0) return isCarriedDatagram(datagram, now);
  // A first fragment may be too short for its header: then there are no ports, and no kind of message.
  const hasHeader = m.payloadOffset > m.l4Offset;
  const decided = hasHeader && goesFar(p, m) && (isUdp || isRequest(p, m)) && decide(p, m, rules, egress, now);
  if (isFragment) noteFragments(datagram, decided, now);
  return decided;
}

function decide(p: usize, m: Meta, rules: usize, egress: u32, now: u32): bool {
  const rule = carryingRule(rules, p, m, egress, now);
  if (rule < 0) return false;
  m.rule = <u16>(rule + 1);
  if (m.flags != 0 || (laneFlags & LaneFlag.Track) == 0) return true;
  const flow = track(p, m, now);
  if (flow == 0) return true;
  const entry = Flow.of(flow);
  // Counted once for each flow, as a translated connection is.
  if (entry.packetsA + entry.packetsB == 1) countRule(m.rule);
  entry.rule = m.rule;
  return true;
}

/** Whether it goes to one destination, beyond this link. */
function goesFar(p: usize, m: Meta): bool {
  if (m.family == 4) return <u32>load<u8>(p, 16) < MULTICAST;
  return <u32>load<u8>(Ipv6.at(p).destinationAt) != MULTICAST6 && !Ipv6.at(p).isLinkScope;
}

function isRequest(p: usize, m: Meta): bool {
  return load<u16>(p + <usize>m.l4Offset) == (m.family == 4 ? ECHO_REQUEST : ECHO_REQUEST6);
}
