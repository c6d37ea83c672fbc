// The classic capture file (draft-ietf-opsawg-pcap): one link type, times in micro- or nanoseconds.
//
//   file:   | magic 4 | major 2 | minor 2 | 0 8 | snap length 4 | link type 4 |
//   packet: | seconds 4 | fraction 4 | captured 4 | original 4 | octets … |
import {
  captureError,
  fileOctets,
  originalBytesOf,
  timestampOf,
  viewOf,
  type Capture,
  type CapturedPacket,
  type CaptureSink,
  type PacketToCapture,
} from "./capture.ts";
import { checkedField, WireError } from "./errors.ts";
import { concat, joined } from "./octets.ts";

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const FILE_HEADER_BYTES = 24;
const PACKET_HEADER_BYTES = 16;
const SNAP_BYTES = 262144;
/** The upper bits tell of frame check sequences. */
const LINK_TYPE_MASK = 0x0fffffff;
const SECOND_NS = 1_000_000_000n;

type Resolution = "us" | "ns";

export function isPcap(octets: Uint8Array): boolean {
  return formatOf(octets) !== undefined;
}

/** Undefined: not the start of a pcap file. */
function formatOf(octets: Uint8Array): { readonly little: boolean; readonly unitNs: bigint } | undefined {
  if (octets.length < 4) return undefined;
  const view = viewOf(octets);
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    if (magic === MAGIC_MICROSECONDS) return { little, unitNs: 1000n };
    if (magic === MAGIC_NANOSECONDS) return { little, unitNs: 1n };
  }
  return undefined;
}

/** @throws WireError E_WIRE_CAPTURE */
export function readPcap(octets: Uint8Array): Capture {
  const format = formatOf(octets);
  if (!format) throw captureError(0, "a magic number of pcap", octets.subarray(0, 4).toHex());
  const { little, unitNs } = format;
  const header = viewOf(fileOctets(octets, 0, FILE_HEADER_BYTES, "file header"));
  const major = header.getUint16(4, little);
  if (major !== 2) throw captureError(4, "major version 2", `${major}`);
  const linkType = header.getUint32(20, little) & LINK_TYPE_MASK;
  const packets: CapturedPacket[] = [];
  for (let at = FILE_HEADER_BYTES; at < octets.length;) {
    const record = viewOf(fileOctets(octets, at, PACKET_HEADER_BYTES, "packet header"));
    const capturedBytes = record.getUint32(8, little);
    const captured = fileOctets(octets, at + PACKET_HEADER_BYTES, capturedBytes, "packet");
    const seconds = BigInt(record.getUint32(0, little));
    packets.push({
      timestampNs: seconds * SECOND_NS + BigInt(record.getUint32(4, little)) * unitNs,
      octets: captured.slice(),
      originalBytes: record.getUint32(12, little),
      interfaceId: 0,
    });
    at += PACKET_HEADER_BYTES + capturedBytes;
  }
  return { linkType, interfaces: [{ linkType }], packets };
}

/** How a pcap file is written. */
export interface PcapOptions {
  /** Default "ns"; "us" cuts the rest of the time off. */
  readonly resolution?: Resolution;
}

/** Writes a pcap file (little-endian) into a sink, packet by packet. The file header goes out at once. */
export class PcapWriter {
  readonly #sink: CaptureSink;
  readonly #unitNs: bigint;

  /** @throws WireError E_WIRE_FIELD when the link type has more than 16 bits */
  constructor(sink: CaptureSink, linkType: number, options: PcapOptions = {}) {
    this.#sink = sink;
    this.#unitNs = options.resolution === "us" ? 1000n : 1n;
    const header = new Uint8Array(FILE_HEADER_BYTES);
    const view = viewOf(header);
    view.setUint32(0, this.#unitNs === 1n ? MAGIC_NANOSECONDS : MAGIC_MICROSECONDS, true);
    view.setUint16(4, 2, true);
    view.setUint16(6, 4, true);
    view.setUint32(16, SNAP_BYTES, true);
    view.setUint32(20, checkedField("link type", linkType, 0xffff), true);
    sink(header);
  }

  /** @throws WireError E_WIRE_CAPTURE when the time does not fit 32 bits of seconds (2106) */
  write(packet: PacketToCapture): void {
    const timestampNs = timestampOf(packet);
    if (timestampNs / SECOND_NS > 0xffffffffn) {
      throw new WireError("E_WIRE_CAPTURE", `timestamp of pcap must be below 2^32 s, found ${timestampNs} ns`);
    }
    const header = new Uint8Array(PACKET_HEADER_BYTES);
    const view = viewOf(header);
    view.setUint32(0, Number(timestampNs / SECOND_NS), true);
    view.setUint32(4, Number((timestampNs % SECOND_NS) / this.#unitNs), true);
    view.setUint32(8, packet.octets.length, true);
    view.setUint32(12, originalBytesOf(packet), true);
    this.#sink(concat(header, packet.octets));
  }
}

/**
 * A whole pcap file.
 * @throws WireError E_WIRE_CAPTURE, E_WIRE_FIELD
 */
export function writePcap(
  packets: readonly PacketToCapture[],
  linkType: number,
  options: PcapOptions = {},
): Uint8Array {
  const pieces: Uint8Array[] = [];
  const writer = new PcapWriter((piece) => pieces.push(piece), linkType, options);
  for (const packet of packets) writer.write(packet);
  return joined(pieces);
}
