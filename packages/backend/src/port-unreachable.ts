// The answer to a datagram that goes nowhere: ICMP port unreachable, as its destination would send it (RFC 792, RFC
// 4443 section 3.1). The sender hears of it at once and tries another way; without it, it would wait.
//
//   before the packet: | IP header 20 or 40 | ICMP header 8 | the packet, as much of it as may be quoted |
import { internetChecksum, pseudoHeaderSum } from "@bunnel/wire";

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const ICMP_HEADER_BYTES = 8;
/** Octets of an answer: RFC 1812 section 4.3.2.3, RFC 4443 section 2.4(c). */
const ANSWER4_MAX_BYTES = 576;
const ANSWER6_MAX_BYTES = 1280;
const HOP_LIMIT = 64;
const DONT_FRAGMENT = 0x4000;

/** Type and code. */
const PORT_UNREACHABLE4 = [3, 3] as const;
const PORT_UNREACHABLE6 = [1, 4] as const;
const PROTOCOL_ICMP = 1;
const PROTOCOL_ICMPV6 = 58;

/** Octets before a packet that its answer overwrites at most. */
export const ANSWER_HEADROOM_BYTES = IPV6_HEADER_BYTES + ICMP_HEADER_BYTES;

export interface Answer {
  readonly at: number;
  readonly bytes: number;
}

/**
 * Writes the answer to the packet at `at` around it: the packet is quoted where it lies. `octets` has at least
 * `ANSWER_HEADROOM_BYTES` before it. Undefined: it is not a packet that is answered.
 */
export function answerUnreachable(octets: Uint8Array, at: number, bytes: number): Answer | undefined {
  const version = (octets[at] ?? 0) >> 4;
  if (version === 4 && bytes >= IPV4_HEADER_BYTES) return answer4(octets, at, bytes);
  if (version === 6 && bytes >= IPV6_HEADER_BYTES) return answer6(octets, at, bytes);
  return undefined;
}

function answer4(octets: Uint8Array, at: number, bytes: number): Answer {
  const headers = IPV4_HEADER_BYTES + ICMP_HEADER_BYTES;
  const total = Math.min(headers + bytes, ANSWER4_MAX_BYTES);
  const answer = octets.subarray(at - headers, at - headers + total);
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  answer.fill(0, 0, headers);
  view.setUint8(0, 0x40 | (IPV4_HEADER_BYTES / 4));
  view.setUint16(2, total);
  view.setUint16(6, DONT_FRAGMENT);
  view.setUint8(8, HOP_LIMIT);
  view.setUint8(9, PROTOCOL_ICMP);
  // The answer goes from the packet's destination to its source.
  answer.copyWithin(12, headers + 16, headers + 20);
  answer.copyWithin(16, headers + 12, headers + 16);
  view.setUint16(10, internetChecksum(answer.subarray(0, IPV4_HEADER_BYTES)));
  const message = answer.subarray(IPV4_HEADER_BYTES);
  message.set(PORT_UNREACHABLE4);
  view.setUint16(IPV4_HEADER_BYTES + 2, internetChecksum(message));
  return { at: at - headers, bytes: total };
}

function answer6(octets: Uint8Array, at: number, bytes: number): Answer {
  const headers = IPV6_HEADER_BYTES + ICMP_HEADER_BYTES;
  const total = Math.min(headers + bytes, ANSWER6_MAX_BYTES);
  const answer = octets.subarray(at - headers, at - headers + total);
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  answer.fill(0, 0, headers);
  view.setUint8(0, 0x60);
  view.setUint16(4, total - IPV6_HEADER_BYTES);
  view.setUint8(6, PROTOCOL_ICMPV6);
  view.setUint8(7, HOP_LIMIT);
  answer.copyWithin(8, headers + 24, headers + 40);
  answer.copyWithin(24, headers + 8, headers + 24);
  const message = answer.subarray(IPV6_HEADER_BYTES);
  message.set(PORT_UNREACHABLE6);
  const pseudo = pseudoHeaderSum(answer.subarray(8, 24), answer.subarray(24, 40), PROTOCOL_ICMPV6, message.length);
  view.setUint16(IPV6_HEADER_BYTES + 2, internetChecksum(message, pseudo));
  return { at: at - headers, bytes: total };
}
