// The headers of any packet that leaves: those of the packet at hand, with all that the plan and the step change. Most
// need less: see plain.ts.
import { Fooling } from "@bunnel/abi/src/index";
import { copy } from "../mem/copy";
import { Meta } from "../mem/meta";
import { HOP_BY_HOP_BYTES, Plan } from "../plan/plan";
import { Step, STEP_REAL } from "../plan/step";
import { setBe16 } from "../wire/be";
import { Ipv4 } from "../wire/ipv4";
import { Ipv6, IPV6_HEADER_BYTES } from "../wire/ipv6";
import { PROTOCOL_TCP } from "../wire/packet";
import { Tcp, TCP_HEADER_BYTES } from "../wire/tcp";
import { findOption, OPTION_MSS, OPTION_WINDOW_SCALE, writeMd5Option } from "../wire/tcp-options";
import { countMade, flagsFor, idFor, ttlFor } from "./fields";
import { foolTcp } from "./fooling";

const IPV6_HOP_BY_HOP: u32 = 0;
const MD5_WORDS_BYTES: i32 = 20;
const TCP_HEADER_MAX: i32 = 60;

/** Whether packets made of this one get a hop-by-hop header; there can be one only. */
function takesHopByHop(p: usize, m: Meta, plan: Plan): bool {
  return m.family == 6 && plan.hopByHop != 0 && Ipv6.at(p).nextHeader != IPV6_HOP_BY_HOP;
}

/** Octets of all headers that a packet of this step has. */
export function headerBytesFor(p: usize, m: Meta, plan: Plan, foolings: u32): i32 {
  let bytes = <i32>m.payloadOffset;
  if (takesHopByHop(p, m, plan)) bytes += HOP_BY_HOP_BYTES;
  if ((foolings & Fooling.Md5Sig) == 0) return bytes;
  const tcp = <i32>m.payloadOffset - <i32>m.l4Offset;
  return bytes - tcp + tcpBytesWithMd5(tcp);
}

/** With no room beside the other options the signature stands alone. */
function tcpBytesWithMd5(tcp: i32): i32 {
  return tcp + MD5_WORDS_BYTES <= TCP_HEADER_MAX ? tcp + MD5_WORDS_BYTES : TCP_HEADER_BYTES + MD5_WORDS_BYTES;
}

/**
 * Writes all headers at `at` for a packet of `total` octets, of which the first stands at `offset` of the message's
 * sequence numbers. Returns where the transport header starts. Its checksum is not set.
 */
export function writeHeaders(
  at: usize,
  p: usize,
  m: Meta,
  plan: Plan,
  step: Step,
  foolings: u32,
  total: i32,
  offset: i32,
  isEnd: bool,
): i32 {
  const isReal = step.kind == STEP_REAL;
  let l4 = <i32>m.l4Offset;
  copy(at, p, l4);
  if (takesHopByHop(p, m, plan)) l4 = insertHopByHop(at, l4);
  const tcpBytes = <i32>m.payloadOffset - <i32>m.l4Offset;
  const from = p + m.l4Offset;
  const to = at + <usize>l4;
  const isSigned = (foolings & Fooling.Md5Sig) != 0;
  const kept = isSigned && tcpBytes + MD5_WORDS_BYTES > TCP_HEADER_MAX ? TCP_HEADER_BYTES : tcpBytes;
  if (isSigned) {
    // The signature stands first: behind the end of an option list the endpoint would not see it.
    const options = kept - TCP_HEADER_BYTES;
    copy(to, from, TCP_HEADER_BYTES);
    writeMd5Option(to + TCP_HEADER_BYTES);
    copy(to + TCP_HEADER_BYTES + MD5_WORDS_BYTES, from + TCP_HEADER_BYTES, options);
    Tcp.at(to).dataOffset = <u32>(kept + MD5_WORDS_BYTES) >> 2;
  } else {
    copy(to, from, kept);
  }
  setNetworkHeader(at, p, m, plan, step, foolings, total);
  if (m.protocol == PROTOCOL_TCP) {
    const tcp = Tcp.at(to);
    tcp.seq = m.seq + <u32>offset;
    tcp.flags = flagsFor(m, step, offset, isEnd);
    if (isReal) setPlannedFields(to, plan);
    foolTcp(to, step, foolings);
  }
  countMade(isReal);
  return l4;
}

/** A hop-by-hop header of padding alone, which stands first (RFC 8200 section 4.3). */
function insertHopByHop(at: usize, l4: i32): i32 {
  const next = at + IPV6_HEADER_BYTES;
  memory.copy(next + HOP_BY_HOP_BYTES, next, l4 - IPV6_HEADER_BYTES);
  store<u64>(next, 0);
  store<u8>(next, <u8>Ipv6.at(at).nextHeader);
  // PadN of six octets (section 4.2).
  store<u8>(next, 1, 2);
  store<u8>(next, 4, 3);
  Ipv6.at(at).setNextHeader(0);
  return l4 + HOP_BY_HOP_BYTES;
}

function setNetworkHeader(at: usize, p: usize, m: Meta, plan: Plan, step: Step, foolings: u32, total: i32): void {
  const isReal = step.kind == STEP_REAL;
  const ttl = ttlFor(p, m, step, foolings);
  if (m.family == 4) {
    Ipv4.at(at).setLengthIdTtl(total, idFor(Ipv4.at(p).id, m, plan, step), ttl);
    if (isReal && plan.hasTos != 0) Ipv4.at(at).setTos(plan.tos);
  } else {
    Ipv6.at(at).setLengthHopLimit(total, ttl);
    if (isReal && plan.hasTos != 0) Ipv6.at(at).setTrafficClass(plan.tos);
  }
}

/** Window, window scale and MSS, where the plan says so. */
function setPlannedFields(at: usize, plan: Plan): void {
  const tcp = Tcp.at(at);
  if (plan.hasWindow != 0) tcp.window = plan.window;
  if (plan.windowScale != 0) {
    const scale = findOption(at, tcp.headerBytes, OPTION_WINDOW_SCALE, 3);
    if (scale != 0) store<u8>(scale, plan.windowScale - 1, 2);
  }
  if (plan.mss != 0) {
    const option = findOption(at, tcp.headerBytes, OPTION_MSS, 4);
    if (option != 0) setBe16(option, 2, plan.mss);
  }
}
