// The newer capture file (draft-ietf-opsawg-pcapng): sections, each in its own order of octets, interfaces, comments.
//
//   block:   | type 4 | total length 4 | body … | total length 4 |
//   options: | code 2 | length 2 | value, padded to a multiple of four | … code 0
import {
  captureError,
  fileOctets,
  viewOf,
  type Capture,
  type CapturedPacket,
  type CaptureInterface,
} from "./capture.ts";

export const BLOCK_SECTION = 0x0a0d0d0a;
export const BLOCK_INTERFACE = 1;
export const BLOCK_SIMPLE_PACKET = 3;
export const BLOCK_ENHANCED_PACKET = 6;
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
export const OPTION_END = 0;
export const OPTION_COMMENT = 1;
export const OPTION_INTERFACE_NAME = 2;
export const OPTION_TIME_RESOLUTION = 9;
const OPTION_TIME_OFFSET = 14;
const BLOCK_BYTES_MIN = 12;
const SECOND_NS = 1_000_000_000n;

interface Block {
  readonly type: number;
  /** Offset of the body in the file. */
  readonly at: number;
  readonly body: Uint8Array;
  readonly little: boolean;
}

interface Interface extends CaptureInterface {
  /** 0: no limit. */
  readonly snapBytes: number;
  readonly ticksPerSecond: bigint;
  readonly offsetNs: bigint;
}

interface Reading {
  readonly interfaces: Interface[];
  readonly packets: CapturedPacket[];
  /** Where this section's interfaces begin: its numbers count from there. */
  sectionStart: number;
}

export function isPcapng(octets: Uint8Array): boolean {
  return octets.length >= 4 && viewOf(octets).getUint32(0, true) === BLOCK_SECTION;
}

/**
 * Reads sections, interfaces, enhanced and simple packets; blocks of other types are passed over.
 * @throws WireError E_WIRE_CAPTURE
 */
export function readPcapng(octets: Uint8Array): Capture {
  const reading: Reading = { interfaces: [], packets: [], sectionStart: 0 };
  let little = true;
  for (let at = 0; at < octets.length;) {
    const start = viewOf(fileOctets(octets, at, BLOCK_BYTES_MIN, "block"));
    // The type of a section header reads the same both ways; what follows it tells the order.
    if (start.getUint32(0, true) === BLOCK_SECTION) little = sectionIsLittle(start, at);
    else if (at === 0) throw captureError(0, "a section header block", octets.subarray(0, 4).toHex());
    const bytes = blockBytes(octets, at, start.getUint32(4, little), little);
    const type = start.getUint32(0, little);
    readBlock({ type, at: at + 8, body: octets.subarray(at + 8, at + bytes - 4), little }, reading);
    at += bytes;
  }
  const interfaces = reading.interfaces.map(({ linkType, name }) =>
    name === undefined ? { linkType } : { linkType, name },
  );
  return { linkType: interfaces[0]?.linkType ?? -1, interfaces, packets: reading.packets };
}

function sectionIsLittle(start: DataView, at: number): boolean {
  if (start.getUint32(8, true) === BYTE_ORDER_MAGIC) return true;
  if (start.getUint32(8, false) === BYTE_ORDER_MAGIC) return false;
  throw captureError(at + 8, "a byte-order magic", start.getUint32(8, false).toString(16));
}

/** Checks both lengths of a block. */
function blockBytes(octets: Uint8Array, at: number, bytes: number, little: boolean): number {
  if (bytes < BLOCK_BYTES_MIN || bytes % 4 !== 0) {
    throw captureError(at + 4, `a block length of ${BLOCK_BYTES_MIN} or more, in fours`, `${bytes}`);
  }
  const block = viewOf(fileOctets(octets, at, bytes, "block"));
  const trailing = block.getUint32(bytes - 4, little);
  if (trailing !== bytes) throw captureError(at + bytes - 4, `the block length ${bytes} again`, `${trailing}`);
  return bytes;
}

function readBlock(block: Block, reading: Reading): void {
  if (block.type === BLOCK_SECTION) {
    const major = viewOf(bodyOctets(block, 0, 16, "section header")).getUint16(4, block.little);
    if (major !== 1) throw captureError(block.at + 4, "major version 1", `${major}`);
    reading.sectionStart = reading.interfaces.length;
  } else if (block.type === BLOCK_INTERFACE) {
    reading.interfaces.push(readInterface(block));
  } else if (block.type === BLOCK_ENHANCED_PACKET) {
    reading.packets.push(readEnhancedPacket(block, reading));
  } else if (block.type === BLOCK_SIMPLE_PACKET) {
    reading.packets.push(readSimplePacket(block, reading));
  }
}

function readInterface(block: Block): Interface {
  const { little } = block;
  const view = viewOf(bodyOctets(block, 0, 8, "interface description"));
  let ticksPerSecond = 1_000_000n;
  let offsetNs = 0n;
  let name: string | undefined;
  for (const { code, value } of readOptions(block, 8)) {
    if (code === OPTION_INTERFACE_NAME) name = new TextDecoder().decode(value);
    if (code === OPTION_TIME_RESOLUTION && value.length === 1) ticksPerSecond = ticksOf(viewOf(value).getUint8(0));
    if (code === OPTION_TIME_OFFSET && value.length === 8) offsetNs = viewOf(value).getBigInt64(0, little) * SECOND_NS;
  }
  const known = {
    linkType: view.getUint16(0, little),
    snapBytes: view.getUint32(4, little),
    ticksPerSecond,
    offsetNs,
  };
  return name === undefined ? known : { ...known, name };
}

/** The highest bit tells a power of two from one of ten. */
function ticksOf(resolution: number): bigint {
  return resolution >= 0x80 ? 1n << BigInt(resolution & 0x7f) : 10n ** BigInt(resolution);
}

function readEnhancedPacket(block: Block, reading: Reading): CapturedPacket {
  const { little } = block;
  const view = viewOf(bodyOctets(block, 0, 20, "enhanced packet"));
  const interfaceId = reading.sectionStart + view.getUint32(0, little);
  const { ticksPerSecond, offsetNs } = interfaceAt(reading, interfaceId, block.at);
  const ticks = (BigInt(view.getUint32(4, little)) << 32n) | BigInt(view.getUint32(8, little));
  const capturedBytes = view.getUint32(12, little);
  const packet: CapturedPacket = {
    timestampNs: (ticks * SECOND_NS) / ticksPerSecond + offsetNs,
    octets: bodyOctets(block, 20, capturedBytes, "packet").slice(),
    originalBytes: view.getUint32(16, little),
    interfaceId,
  };
  const comment = readOptions(block, 20 + Math.ceil(capturedBytes / 4) * 4).find(({ code }) => code === OPTION_COMMENT);
  return comment ? { ...packet, comment: new TextDecoder().decode(comment.value) } : packet;
}

/** Always from the section's first interface, without a time, cut at that interface's snap length. */
function readSimplePacket(block: Block, reading: Reading): CapturedPacket {
  const originalBytes = viewOf(bodyOctets(block, 0, 4, "simple packet")).getUint32(0, block.little);
  const { snapBytes } = interfaceAt(reading, reading.sectionStart, block.at);
  const capturedBytes = snapBytes === 0 ? originalBytes : Math.min(originalBytes, snapBytes);
  const octets = bodyOctets(block, 4, capturedBytes, "packet").slice();
  return { timestampNs: 0n, octets, originalBytes, interfaceId: reading.sectionStart };
}

function interfaceAt(reading: Reading, index: number, at: number): Interface {
  const found = reading.interfaces[index];
  if (found) return found;
  const count = reading.interfaces.length - reading.sectionStart;
  throw captureError(at, `an interface number below ${count}`, `${index - reading.sectionStart}`);
}

interface Option {
  readonly code: number;
  readonly value: Uint8Array;
}

function readOptions(block: Block, from: number): Option[] {
  const options: Option[] = [];
  for (let at = from; at < block.body.length;) {
    const view = viewOf(bodyOctets(block, at, 4, "option"));
    const code = view.getUint16(0, block.little);
    const bytes = view.getUint16(2, block.little);
    if (code === OPTION_END) break;
    options.push({ code, value: bodyOctets(block, at + 4, bytes, "option value") });
    at += 4 + Math.ceil(bytes / 4) * 4;
  }
  return options;
}

function bodyOctets({ body, at }: Block, from: number, bytes: number, what: string): Uint8Array {
  const left = Math.max(0, body.length - from);
  if (bytes > left) throw captureError(at + from, `${bytes} octets of ${what}`, `${left}`);
  return body.subarray(from, from + bytes);
}
