// The Internet checksum: RFC 1071; pseudo-headers: RFC 9293 section 3.1, RFC 8200 section 8.1; updates: RFC 1624.
import { decodePacket } from "./decode.ts";
import { be16, concat, octetAt } from "./octets.ts";
import {
  IPV4_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  UDP_CHECKSUM_OFFSET,
} from "./protocol.ts";

/** The one's complement sum of all 16-bit words, folded to 16 bits, not inverted; an odd last octet is the high one. */
export function internetSum(octets: Uint8Array, initial = 0): number {
  let sum = initial;
  for (let at = 0; at < octets.length; at += 2) {
    sum += octetAt(octets, at) * 0x100 + (octets[at + 1] ?? 0);
  }
  return folded(sum);
}

/** The checksum field over `octets` (with zeros in the field itself) and a sum to begin with, as of a pseudo-header. */
export function internetChecksum(octets: Uint8Array, initial = 0): number {
  return internetSum(octets, initial) ^ 0xffff;
}

/** The folded, uninverted sum of the pseudo-header: addresses of 4 or 16 octets, protocol, octets of the transport. */
export function pseudoHeaderSum(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  transportBytes: number,
): number {
  const bytes = (transportBytes >>> 16) + (transportBytes & 0xffff);
  return internetSum(concat(source, destination), protocol + bytes);
}

/**
 * The checksum after one word of the data changed (RFC 1624 equation 3). Equal to the full checksum unless all
 * data became zero, which a packet never is.
 */
export function updateChecksum(old: number, oldWord: number, newWord: number): number {
  return folded((old ^ 0xffff) + (oldWord ^ 0xffff) + newWord) ^ 0xffff;
}

/** True: it holds; false: it does not. */
export interface ChecksumVerdict {
  /** Undefined: malformed, or IPv6, which has none. */
  readonly ip: boolean | undefined;
  /** Undefined: malformed, a fragment, an opaque protocol, or a UDP datagram over IPv4 that was sent without. */
  readonly transport: boolean | undefined;
}

/**
 * Whether the checksums of a packet hold. The pseudo-header takes the addresses of the IP header: behind an IPv6
 * routing header that still has segments to go the transport checksum reads as wrong.
 */
export function verifyChecksums(octets: Uint8Array): ChecksumVerdict {
  const packet = decodePacket(octets);
  if (packet.family === 0) return { ip: undefined, transport: undefined };
  const header = octets.subarray(0, (octetAt(octets, 0) & 15) * 4);
  const ip = packet.family === 4 ? internetSum(header) === 0xffff : undefined;
  if (packet.fragment) return { ip, transport: undefined };
  return { ip, transport: verifyTransport(octets) };
}

function verifyTransport(octets: Uint8Array): boolean | undefined {
  const { family, protocol, l4Offset, totalBytes, payloadOffset, payloadBytes } = decodePacket(octets);
  const [source, destination] =
    family === 4
      ? [octets.subarray(12, 16), octets.subarray(16, IPV4_HEADER_BYTES)]
      : [octets.subarray(8, 24), octets.subarray(24, IPV6_HEADER_BYTES)];
  if (protocol === PROTOCOL_ICMP && family === 4) {
    return internetSum(octets.subarray(l4Offset, totalBytes)) === 0xffff;
  }
  const known =
    protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP || (protocol === PROTOCOL_ICMPV6 && family === 6);
  if (!known) return undefined;
  // A datagram ends where its own length says.
  const transport = octets.subarray(l4Offset, protocol === PROTOCOL_UDP ? payloadOffset + payloadBytes : totalBytes);
  if (protocol === PROTOCOL_UDP && be16(transport, UDP_CHECKSUM_OFFSET) === 0) return family === 4 ? undefined : false;
  return internetSum(transport, pseudoHeaderSum(source, destination, protocol, transport.length)) === 0xffff;
}

function folded(sum: number): number {
  let rest = sum;
  while (rest > 0xffff) rest = Math.floor(rest / 0x10000) + (rest % 0x10000);
  return rest;
}
