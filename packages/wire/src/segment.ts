// What a kernel or a network card does with a super-packet, slowly: the oracle of software segmentation.
//   1. without a segment size only the checksum is finished
//   2. the virtio header must fit the packet: version, protocol, bounds
//   3. each slice of payload gets a copy of the headers, with its own lengths, identification, sequence number, flags
//   4. and its own checksums
import { internetChecksum, pseudoHeaderSum } from "./checksum.ts";
import { decodePacket } from "./decode.ts";
import { WireError } from "./errors.ts";
import { be16, be32, concat, octetAt, setBe16, setBe32, setOctet } from "./octets.ts";
import {
  IPV6_HEADER_BYTES,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  TCP_CHECKSUM_OFFSET,
  TCP_CWR,
  TCP_FIN,
  TCP_PSH,
  UDP_CHECKSUM_OFFSET,
} from "./protocol.ts";
import type { DecodedPacket } from "./types.ts";
import {
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  readVirtioNetHeader,
  VIRTIO_NEEDS_CHECKSUM,
  type VirtioNetHeader,
} from "./virtio.ts";

/**
 * The ordinary packets that a super-packet stands for, in order. A packet without a segment size comes back alone,
 * its checksum finished if the header asks for it. `header` has the ten octets, `packet` what follows them.
 * @throws WireError E_WIRE_OFFLOAD when the header contradicts the packet
 */
export function segmentSuperPacket(header: Uint8Array, packet: Uint8Array): Uint8Array[] {
  const offload = readVirtioNetHeader(header);
  const type = offload.gsoType & ~GSO_ECN;
  if (type === GSO_NONE) {
    return [(offload.flags & VIRTIO_NEEDS_CHECKSUM) !== 0 ? withChecksum(packet, offload) : packet.slice()];
  }
  const parts = decodePacket(packet);
  checkOffload(type, offload, parts, packet.length);
  const count = Math.max(1, Math.ceil(parts.payloadBytes / offload.gsoBytes));
  return Array.from({ length: count }, (_, index) => segment(packet, parts, offload.gsoBytes, index, count));
}

/** The sum runs over what the field holds already, to the packet's end. */
function withChecksum(packet: Uint8Array, { checksumStart, checksumOffset }: VirtioNetHeader): Uint8Array {
  const at = checksumStart + checksumOffset;
  if (at + 2 > packet.length) {
    throw new WireError("E_WIRE_OFFLOAD", `checksum must lie within ${packet.length} octets, found it at ${at}`);
  }
  const finished = packet.slice();
  const checksum = internetChecksum(finished.subarray(checksumStart));
  // As Linux does for every protocol (net/core/dev.c, skb_checksum_help): to UDP zero says that there is none.
  setBe16(finished, at, checksum === 0 ? 0xffff : checksum);
  return finished;
}

function checkOffload(type: number, offload: VirtioNetHeader, parts: DecodedPacket, bytes: number): void {
  const wanted = EXPECTED[type];
  const fits =
    wanted !== undefined &&
    wanted.families.includes(parts.family) &&
    parts.protocol === wanted.protocol &&
    !parts.fragment &&
    parts.totalBytes === bytes &&
    offload.gsoBytes > 0 &&
    offload.checksumStart === parts.l4Offset &&
    offload.checksumOffset === wanted.checksumOffset;
  if (fits) return;
  const found = `family ${parts.family}, protocol ${parts.protocol}, transport at ${parts.l4Offset}, ${bytes} octets`;
  throw new WireError("E_WIRE_OFFLOAD", `packet must fit its virtio header ${JSON.stringify(offload)}, found ${found}`);
}

interface Expected {
  readonly families: readonly number[];
  readonly protocol: number;
  readonly checksumOffset: number;
}

const EXPECTED: Readonly<Record<number, Expected>> = {
  [GSO_TCPV4]: { families: [4], protocol: PROTOCOL_TCP, checksumOffset: TCP_CHECKSUM_OFFSET },
  [GSO_TCPV6]: { families: [6], protocol: PROTOCOL_TCP, checksumOffset: TCP_CHECKSUM_OFFSET },
  [GSO_UDP_L4]: { families: [4, 6], protocol: PROTOCOL_UDP, checksumOffset: UDP_CHECKSUM_OFFSET },
};

function segment(packet: Uint8Array, parts: DecodedPacket, gsoBytes: number, index: number, count: number): Uint8Array {
  const start = parts.payloadOffset + index * gsoBytes;
  const end = Math.min(start + gsoBytes, parts.payloadOffset + parts.payloadBytes);
  const piece = concat(packet.slice(0, parts.payloadOffset), packet.slice(start, end));
  const transport = piece.subarray(parts.l4Offset);
  if (parts.protocol === PROTOCOL_TCP) {
    setBe32(transport, 4, (be32(packet, parts.l4Offset + 4) + index * gsoBytes) % 0x100000000);
    const notLast = index < count - 1 ? TCP_FIN | TCP_PSH : 0;
    const notFirst = index > 0 ? TCP_CWR : 0;
    setOctet(transport, 13, parts.tcpFlags & ~(notLast | notFirst));
  } else {
    setBe16(transport, 4, transport.length);
  }
  finishIp(piece, index);
  finishTransport(piece, transport, parts);
  return piece;
}

function finishIp(piece: Uint8Array, index: number): void {
  if (octetAt(piece, 0) >> 4 === 6) {
    setBe16(piece, 4, piece.length - IPV6_HEADER_BYTES);
    return;
  }
  setBe16(piece, 2, piece.length);
  setBe16(piece, 4, (be16(piece, 4) + index) & 0xffff);
  setBe16(piece, 10, 0);
  setBe16(piece, 10, internetChecksum(piece.subarray(0, (octetAt(piece, 0) & 15) * 4)));
}

function finishTransport(piece: Uint8Array, transport: Uint8Array, { family, protocol }: DecodedPacket): void {
  const [source, destination] =
    family === 4 ? [piece.subarray(12, 16), piece.subarray(16, 20)] : [piece.subarray(8, 24), piece.subarray(24, 40)];
  const offset = protocol === PROTOCOL_TCP ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET;
  setBe16(transport, offset, 0);
  const checksum = internetChecksum(transport, pseudoHeaderSum(source, destination, protocol, transport.length));
  setBe16(transport, offset, checksum === 0 && protocol === PROTOCOL_UDP ? 0xffff : checksum);
}
