// Packets without what may differ and mean the same.
import { decodePacket, PROTOCOL_TCP, TCP_CHECKSUM_OFFSET, UDP_CHECKSUM_OFFSET } from "@bunnel/wire";

const DONT_FRAGMENT = 0x40;

/**
 * A copy without checksums, which may be partial before and whole behind a merger, and without an identification that
 * means nothing, because the packet has DF (RFC 6864 section 4.1).
 */
export function withoutSums(packet: Uint8Array | undefined): Uint8Array {
  const copy = (packet ?? new Uint8Array()).slice();
  const { family, protocol, l4Offset } = decodePacket(copy);
  if (family === 0) return copy;
  if (family === 4) {
    copy.fill(0, 10, 12);
    if (((copy[6] ?? 0) & DONT_FRAGMENT) !== 0) copy.fill(0, 4, 6);
  }
  const field = l4Offset + (protocol === PROTOCOL_TCP ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET);
  copy.fill(0, field, field + 2);
  return copy;
}
