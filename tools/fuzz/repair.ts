// Lengths and checksums of a damaged packet made right again, so that what lies deeper in it is reached. This runs for
// every second execution, so it reads no more of the packet than it must.
import { PROTOCOL_TCP, PROTOCOL_UDP, TCP_CHECKSUM_OFFSET, UDP_CHECKSUM_OFFSET } from "@bunnel/wire";

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
/** More fragments, and the offset (RFC 791 section 3.1). */
const IPV4_FRAGMENT = 0x3fff;
const UDP_HEADER_BYTES = 8;
const TCP_HEADER_BYTES = 20;
const EXTENSIONS_MAX = 8;
/** Hop-by-hop options, routing, destination options (RFC 8200 section 4), authentication (RFC 4302). */
const PLAIN_EXTENSIONS: readonly number[] = [0, 43, 60];
const AUTHENTICATION = 51;

/** A copy whose IP length, UDP length and checksums hold, as far as the packet can be read at all. */
export function repair(octets: Uint8Array): Uint8Array {
  const fixed = octets.slice();
  const version = (fixed[0] ?? 0) >> 4;
  if (version === 4 && fixed.length >= IPV4_HEADER_BYTES) repair4(fixed);
  else if (version === 6 && fixed.length >= IPV6_HEADER_BYTES) repair6(fixed);
  return fixed;
}

function repair4(packet: Uint8Array): void {
  const headerBytes = ((packet[0] ?? 0) & 15) * 4;
  if (headerBytes < IPV4_HEADER_BYTES || headerBytes > packet.length) return;
  put16(packet, 2, packet.length);
  put16(packet, 10, 0);
  put16(packet, 10, ~fold(sumOf(packet, 0, headerBytes)));
  const fragment = ((packet[6] ?? 0) << 8) | (packet[7] ?? 0);
  if ((fragment & IPV4_FRAGMENT) !== 0) return;
  repairTransport(packet, headerBytes, packet[9] ?? 0, 12, 20);
}

function repair6(packet: Uint8Array): void {
  put16(packet, 4, packet.length - IPV6_HEADER_BYTES);
  let protocol = packet[6] ?? 0;
  let at = IPV6_HEADER_BYTES;
  for (let seen = 0; seen < EXTENSIONS_MAX && at + 2 <= packet.length; seen++) {
    const units = packet[at + 1] ?? 0;
    const next = packet[at] ?? 0;
    if (PLAIN_EXTENSIONS.includes(protocol)) at += (units + 1) * 8;
    else if (protocol === AUTHENTICATION) at += (units + 2) * 4;
    else break;
    protocol = next;
  }
  repairTransport(packet, at, protocol, 8, IPV6_HEADER_BYTES);
}

/** The addresses lie from `from` up to `to`. */
function repairTransport(packet: Uint8Array, at: number, protocol: number, from: number, to: number): void {
  const bytes = packet.length - at;
  const isTcp = protocol === PROTOCOL_TCP;
  if (bytes < (isTcp ? TCP_HEADER_BYTES : UDP_HEADER_BYTES) || (!isTcp && protocol !== PROTOCOL_UDP)) return;
  if (!isTcp) put16(packet, at + 4, bytes);
  const field = at + (isTcp ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET);
  put16(packet, field, 0);
  const sum = ~fold(sumOf(packet, from, to) + protocol + bytes + sumOf(packet, at, packet.length)) & 0xffff;
  put16(packet, field, sum === 0 && !isTcp ? 0xffff : sum);
}

/** Octets as 16-bit words, high octet first; packets are too short for the sum to leave the exact numbers. */
function sumOf(octets: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at += 2) sum += ((octets[at] ?? 0) << 8) | (at + 1 < to ? (octets[at + 1] ?? 0) : 0);
  return sum;
}

function fold(sum: number): number {
  const once = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return (once & 0xffff) + (once >>> 16);
}

function put16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >> 8;
  octets[at + 1] = value;
}
