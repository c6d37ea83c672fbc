// What routers do to a packet on its way: they count the hop limit down (RFC 791 section 3.2, RFC 8200 section 3).
import { decodePacket, internetChecksum, verifyChecksums } from "@bunnel/wire";

const IPV4_TTL = 8;
const IPV4_CHECKSUM = 10;
const IPV6_HOP_LIMIT = 7;

/**
 * A copy of the packet behind so many routers. Undefined: one of them threw it away, because the hop limit ran out,
 * the IPv4 header's checksum is wrong (RFC 1812 section 5.2.2), or it is no IP packet.
 */
export function afterRouters(packet: Uint8Array, routers: number): Uint8Array | undefined {
  const { family, hopLimit } = decodePacket(packet);
  if (family === 0 || hopLimit <= routers) return undefined;
  const copy = packet.slice();
  if (routers === 0) return copy;
  if (family === 6) {
    copy[IPV6_HOP_LIMIT] = hopLimit - routers;
    return copy;
  }
  if (verifyChecksums(packet).ip !== true) return undefined;
  const view = new DataView(copy.buffer);
  view.setUint8(IPV4_TTL, hopLimit - routers);
  view.setUint16(IPV4_CHECKSUM, 0);
  view.setUint16(IPV4_CHECKSUM, internetChecksum(copy.subarray(0, ((copy[0] ?? 0) & 15) * 4)));
  return copy;
}
