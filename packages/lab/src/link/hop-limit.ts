// What routers do to a packet on its way: they count the hop limit down (RFC 791 section 3.2, RFC 8200 section 3).
import { folded, ipChecksumHolds, wordSum } from "../ip/checksum.ts";
import { copyOf } from "../lent-octets.ts";

const IPV4_TTL = 8;
const IPV4_CHECKSUM = 10;
const IPV4_HEADER_BYTES = 20;
const IPV6_HOP_LIMIT = 7;
const IPV6_HEADER_BYTES = 40;

/**
 * A copy of the packet behind so many routers. Undefined: one of them threw it away, because the hop limit ran out,
 * the IPv4 header's checksum is wrong (RFC 1812 section 5.2.2), or it is no IP packet. What the packet carries is no
 * business of theirs. With `mayChange` the packet itself is changed and given back.
 */
export function afterRouters(packet: Uint8Array, routers: number, mayChange = false): Uint8Array | undefined {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 6 ? !holdsIpv6(packet) : version !== 4 || !holdsIpv4(packet)) return undefined;
  const at = version === 6 ? IPV6_HOP_LIMIT : IPV4_TTL;
  const hopLimit = packet[at] ?? 0;
  if (hopLimit <= routers) return undefined;
  const isChecked = version === 6 || routers === 0 || ipChecksumHolds(packet);
  if (!isChecked) return undefined;
  const copy = mayChange ? packet : copyOf(packet);
  if (routers === 0) return copy;
  copy[at] = hopLimit - routers;
  if (version === 6) return copy;
  copy[IPV4_CHECKSUM] = copy[IPV4_CHECKSUM + 1] = 0;
  const sum = folded(wordSum(copy, 0, ((copy[0] ?? 0) & 15) * 4)) ^ 0xffff;
  copy[IPV4_CHECKSUM] = sum >> 8;
  copy[IPV4_CHECKSUM + 1] = sum & 0xff;
  return copy;
}

/** What is left of a packet's hop limit. */
export function hopLimitOf(packet: Uint8Array): number {
  return ((packet[0] ?? 0) >> 4 === 6 ? packet[IPV6_HOP_LIMIT] : packet[IPV4_TTL]) ?? 0;
}

function holdsIpv4(packet: Uint8Array): boolean {
  const headerBytes = ((packet[0] ?? 0) & 15) * 4;
  const totalBytes = ((packet[2] ?? 0) << 8) | (packet[3] ?? 0);
  return headerBytes >= IPV4_HEADER_BYTES && headerBytes <= totalBytes && totalBytes <= packet.length;
}

function holdsIpv6(packet: Uint8Array): boolean {
  const payloadBytes = ((packet[4] ?? 0) << 8) | (packet[5] ?? 0);
  return packet.length >= IPV6_HEADER_BYTES && IPV6_HEADER_BYTES + payloadBytes <= packet.length;
}
