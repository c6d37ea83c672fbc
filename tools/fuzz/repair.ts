// Lengths and checksums of a damaged packet made right again, so that what lies deeper in it is reached.
import {
  decodePacket,
  internetChecksum,
  pseudoHeaderSum,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  TCP_CHECKSUM_OFFSET,
  UDP_CHECKSUM_OFFSET,
} from "@bunnel/wire";

const IPV6_HEADER_BYTES = 40;

/** A copy whose IP length, UDP length and checksums hold, as far as the packet can be read at all. */
export function repair(octets: Uint8Array): Uint8Array {
  const fixed = octets.slice();
  if (fixed.length < IPV6_HEADER_BYTES) return fixed;
  const view = new DataView(fixed.buffer);
  const version = (fixed[0] ?? 0) >> 4;
  if (version === 4) view.setUint16(2, fixed.length);
  if (version === 6) view.setUint16(4, fixed.length - IPV6_HEADER_BYTES);
  const { family, protocol, l4Offset, fragment } = decodePacket(fixed);
  // A wrong UDP length makes a packet malformed; it is the one field that can be mended before reading.
  if (family === 0) return fixed;
  if (family === 4) {
    const headerBytes = ((fixed[0] ?? 0) & 15) * 4;
    view.setUint16(10, 0);
    view.setUint16(10, internetChecksum(fixed.subarray(0, headerBytes)));
  }
  const isTcp = protocol === PROTOCOL_TCP;
  if (fragment || (!isTcp && protocol !== PROTOCOL_UDP)) return fixed;
  const transport = fixed.subarray(l4Offset);
  if (!isTcp) view.setUint16(l4Offset + 4, transport.length);
  const field = l4Offset + (isTcp ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET);
  view.setUint16(field, 0);
  const [from, bytes] = family === 4 ? [12, 4] : [8, 16];
  const [source, destination] = [fixed.subarray(from, from + bytes), fixed.subarray(from + bytes, from + 2 * bytes)];
  view.setUint16(field, internetChecksum(transport, pseudoHeaderSum(source, destination, protocol, transport.length)));
  return fixed;
}
