// Checksums as every packet of a simulation needs them, in one pass over the octets and without a copy (RFC 1071, RFC
// 9293 section 3.1, RFC 8200 section 8.1). `verifyChecksums` of @bunnel/wire is the slow and obvious form of the same.
import { LentOctets } from "../lent-octets.ts";

const PROTOCOL_TCP = 6;

/**
 * The one's complement sum of the 16-bit words from `from` up to `to`, not folded; an odd last octet is a high one.
 * Sums of the same octets may differ by a multiple of 0xffff, which folding takes away.
 */
export function wordSum(octets: Uint8Array, from: number, to: number, initial = 0): number {
  if (octets instanceof LentOctets && (from & 3) === 0) {
    const behind = to & ~3;
    return restSum(octets, behind, to, initial + swappedSum(octets.words, from >> 2, behind >> 2));
  }
  return restSum(octets, from, to, initial);
}

/**
 * Four octets a step. A machine that reads the low octet of a word first, as all do that this runs on, gets the sum
 * with its octets swapped (RFC 1071 section 2, B).
 */
function swappedSum(words: Int32Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at += 1) {
    const word = words[at] ?? 0;
    sum += (word & 0xffff) + (word >>> 16);
  }
  const short = folded(sum);
  return ((short & 0xff) << 8) | (short >> 8);
}

function restSum(octets: Uint8Array, from: number, to: number, initial: number): number {
  let sum = initial;
  const even = to - ((to - from) & 1);
  for (let at = from; at < even; at += 2) sum += ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
  return even < to ? sum + ((octets[even] ?? 0) << 8) : sum;
}

/** The sum in 16 bits. Exact for sums of up to 64 KiB of octets. */
export function folded(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** Whether the checksum of an IPv4 header holds; true for IPv6, which has none. The header must be there. */
export function ipChecksumHolds(packet: Uint8Array): boolean {
  const first = packet[0] ?? 0;
  return first >> 4 !== 4 || folded(wordSum(packet, 0, (first & 15) * 4)) === 0xffff;
}

/**
 * Whether the TCP checksum holds over the octets from `l4At` up to `end`, with the addresses of the IP header: what a
 * whole packet is judged by that `readSegment` could read.
 */
export function tcpChecksumHolds(packet: Uint8Array, l4At: number, end: number): boolean {
  const addressesAt = (packet[0] ?? 0) >> 4 === 4 ? 12 : 8;
  const addressesEnd = addressesAt === 12 ? 20 : 40;
  const pseudo = wordSum(packet, addressesAt, addressesEnd, PROTOCOL_TCP + (end - l4At));
  return folded(wordSum(packet, l4At, end, pseudo)) === 0xffff;
}
