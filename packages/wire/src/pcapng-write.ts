// Writes pcapng (draft-ietf-opsawg-pcapng): one little-endian section, times in nanoseconds, a comment per packet.
import {
  originalBytesOf,
  timestampOf,
  viewOf,
  type CaptureInterface,
  type CaptureSink,
  type PacketToCapture,
} from "./capture.ts";
import { checkedField, WireError } from "./errors.ts";
import { concat, joined, zeroPadded } from "./octets.ts";
import {
  BLOCK_ENHANCED_PACKET,
  BLOCK_INTERFACE,
  BLOCK_SECTION,
  BYTE_ORDER_MAGIC,
  OPTION_COMMENT,
  OPTION_END,
  OPTION_INTERFACE_NAME,
  OPTION_TIME_RESOLUTION,
} from "./pcapng-read.ts";

const NANOSECONDS = 9;
const NO_OPTIONS = new Uint8Array(0);

/** Writes a pcapng file into a sink, packet by packet. Section and interfaces go out at once. */
export class PcapngWriter {
  readonly #sink: CaptureSink;
  readonly #interfaceCount: number;

  /**
   * @param interfaces at least one; a packet names its own by `interfaceId`
   * @throws WireError E_WIRE_CAPTURE without an interface, E_WIRE_FIELD when a link type has more than 16 bits
   */
  constructor(sink: CaptureSink, interfaces: readonly CaptureInterface[]) {
    if (interfaces.length === 0) throw new WireError("E_WIRE_CAPTURE", "pcapng needs at least 1 interface, found 0");
    this.#sink = sink;
    this.#interfaceCount = interfaces.length;
    sink(sectionBlock());
    for (const each of interfaces) sink(interfaceBlock(each));
  }

  /** @throws WireError E_WIRE_CAPTURE for a time outside 64 bits, E_WIRE_FIELD for an interface that is not there */
  write(packet: PacketToCapture): void {
    const timestampNs = timestampOf(packet);
    const header = new Uint8Array(20);
    const view = viewOf(header);
    view.setUint32(0, checkedField("interface number", packet.interfaceId ?? 0, this.#interfaceCount - 1), true);
    view.setUint32(4, Number(timestampNs >> 32n), true);
    view.setUint32(8, Number(timestampNs & 0xffffffffn), true);
    view.setUint32(12, packet.octets.length, true);
    view.setUint32(16, originalBytesOf(packet), true);
    const options =
      packet.comment === undefined ? NO_OPTIONS : optionList([textOption(OPTION_COMMENT, packet.comment)]);
    this.#sink(block(BLOCK_ENHANCED_PACKET, concat(header, zeroPadded(packet.octets, 4), options)));
  }
}

/**
 * A whole pcapng file with one interface of this link type, or with these interfaces.
 * @throws WireError E_WIRE_CAPTURE, E_WIRE_FIELD
 */
export function writePcapng(
  packets: readonly PacketToCapture[],
  link: number | readonly CaptureInterface[],
): Uint8Array {
  const pieces: Uint8Array[] = [];
  const interfaces = typeof link === "number" ? [{ linkType: link }] : link;
  const writer = new PcapngWriter((piece) => pieces.push(piece), interfaces);
  for (const packet of packets) writer.write(packet);
  return joined(pieces);
}

function sectionBlock(): Uint8Array {
  const body = new Uint8Array(16);
  const view = viewOf(body);
  view.setUint32(0, BYTE_ORDER_MAGIC, true);
  view.setUint16(4, 1, true);
  // A section length of -1: not told, because packets are still to come.
  view.setBigInt64(8, -1n, true);
  return block(BLOCK_SECTION, body);
}

function interfaceBlock({ linkType, name }: CaptureInterface): Uint8Array {
  const header = new Uint8Array(8);
  viewOf(header).setUint16(0, checkedField("link type", linkType, 0xffff), true);
  const resolution = { code: OPTION_TIME_RESOLUTION, value: Uint8Array.of(NANOSECONDS) };
  const options = name === undefined ? [resolution] : [textOption(OPTION_INTERFACE_NAME, name), resolution];
  return block(BLOCK_INTERFACE, concat(header, optionList(options)));
}

interface Option {
  readonly code: number;
  readonly value: Uint8Array;
}

function textOption(code: number, text: string): Option {
  return { code, value: new TextEncoder().encode(text) };
}

function optionList(options: readonly Option[]): Uint8Array {
  const octets = options.map(({ code, value }) => {
    return concat(optionHeader(code, checkedField("octets of an option", value.length, 0xffff)), zeroPadded(value, 4));
  });
  return concat(...octets, optionHeader(OPTION_END, 0));
}

function optionHeader(code: number, bytes: number): Uint8Array {
  const header = new Uint8Array(4);
  viewOf(header).setUint16(0, code, true);
  viewOf(header).setUint16(2, bytes, true);
  return header;
}

function block(type: number, body: Uint8Array): Uint8Array {
  const whole = new Uint8Array(body.length + 12);
  const view = viewOf(whole);
  view.setUint32(0, type, true);
  view.setUint32(4, whole.length, true);
  whole.set(body, 8);
  view.setUint32(whole.length - 4, whole.length, true);
  return whole;
}
