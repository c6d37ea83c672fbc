// A TCP segment as the models of this package look at it: seen in place, read when asked.
import { PACKET_MAX_BYTES } from "@bunnel/abi";
import {
  decodePacket,
  formatAddress,
  PROTOCOL_TCP,
  readTcpOptions,
  TCP_FIN,
  TCP_HEADER_BYTES,
  TCP_SYN,
  TCP_URG,
} from "@bunnel/wire";
import type { TcpOption } from "@bunnel/wire";
import { tcpChecksumHolds } from "../ip/checksum.ts";
import { LentOctets } from "../lent-octets.ts";
import { flowKey } from "./flow-key.ts";

export interface TcpSegment {
  readonly family: 4 | 6;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly hopLimit: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  /** Where urgent octets end, counted from `seq`; 0: there are none. */
  readonly urgent: number;
  /** Octets of the TCP header with its options. */
  readonly headerBytes: number;
  /** A copy of them, or themselves where the packet is lent: nobody writes to them. */
  readonly payload: Uint8Array;
  readonly payloadBytes: number;
  readonly options: readonly TcpOption[];
  /** Whether the TCP checksum holds. */
  readonly checksumHolds: boolean;
  /** The connection as its sender and as its receiver sees it: equal for equal addresses and ports. */
  readonly key: string;
  readonly reverseKey: string;
}

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const OPTION_TIMESTAMPS_BYTES = 10;

/** The segment of a whole packet. Undefined: malformed, a fragment, or not TCP. Never throws. */
export function readSegment(packet: Uint8Array): TcpSegment | undefined {
  if (!(packet instanceof LentOctets)) return segmentOf(packet, undefined);
  // All stations of its way look at a packet, and none changes more of it than the hop limit.
  if (!packet.isRead) {
    packet.isRead = true;
    const segment = segmentOf(packet, packet.reader);
    packet.reader ??= segment;
    packet.segment = segment;
  }
  return packet.segment;
}

/** @param reader of an earlier packet in the same place, which takes this one up */
function segmentOf(packet: Uint8Array, reader: SegmentInPlace | undefined): SegmentInPlace | undefined {
  const family = (packet[0] ?? 0) >> 4;
  const place = family === 4 ? placeInIpv4(packet) : family === 6 ? placeInIpv6(packet) : undefined;
  if (place === undefined || place.l4At + TCP_HEADER_BYTES > place.end) return undefined;
  const headerBytes = ((packet[place.l4At + 12] ?? 0) >> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES || place.l4At + headerBytes > place.end) return undefined;
  const segment = reader ?? new SegmentInPlace(packet);
  segment.take(family === 4 ? 4 : 6, place.l4At, place.end, headerBytes);
  return segment;
}

interface Place {
  readonly l4At: number;
  readonly end: number;
}

function placeInIpv4(packet: Uint8Array): Place | undefined {
  if (packet.length < IPV4_HEADER_BYTES || packet[9] !== PROTOCOL_TCP) return undefined;
  const l4At = ((packet[0] ?? 0) & 15) * 4;
  const end = be16(packet, 2);
  const isFragment = (be16(packet, 6) & 0x3fff) !== 0;
  return isFragment || l4At < IPV4_HEADER_BYTES || l4At > end || end > packet.length ? undefined : { l4At, end };
}

function placeInIpv6(packet: Uint8Array): Place | undefined {
  if (packet.length < IPV6_HEADER_BYTES) return undefined;
  const end = be16(packet, 4) + IPV6_HEADER_BYTES;
  if (end > packet.length || end > PACKET_MAX_BYTES) return undefined;
  if (packet[6] === PROTOCOL_TCP) return { l4At: IPV6_HEADER_BYTES, end };
  const { family, fragment, protocol, l4Offset } = decodePacket(packet);
  return family === 0 || fragment || protocol !== PROTOCOL_TCP ? undefined : { l4At: l4Offset, end };
}

/** The numbers that every station asks for are read at once, what takes longer when it is asked for. */
export class SegmentInPlace implements TcpSegment {
  family: 4 | 6 = 4;
  l4At = 0;
  end = 0;
  headerBytes = 0;
  payloadBytes = 0;
  sourcePort = 0;
  destinationPort = 0;
  seq = 0;
  ack = 0;
  flags = 0;
  #options: readonly TcpOption[] | undefined;
  #payload: Uint8Array | undefined;
  #checksumHolds: boolean | undefined;
  #key: string | undefined;

  constructor(readonly packet: Uint8Array) {}

  /** Reads what the packet holds now. */
  take(family: 4 | 6, l4At: number, end: number, headerBytes: number): void {
    const { packet } = this;
    this.family = family;
    this.l4At = l4At;
    this.end = end;
    this.headerBytes = headerBytes;
    this.payloadBytes = end - l4At - headerBytes;
    this.sourcePort = be16(packet, l4At);
    this.destinationPort = be16(packet, l4At + 2);
    this.seq = be32(packet, l4At + 4);
    this.ack = be32(packet, l4At + 8);
    this.flags = packet[l4At + 13] ?? 0;
    this.#options = undefined;
    this.#payload = undefined;
    this.#checksumHolds = undefined;
    this.#key = undefined;
  }

  get source(): string {
    return addressText(this.packet, this.family === 4 ? 12 : 8, this.family);
  }

  get destination(): string {
    return addressText(this.packet, this.family === 4 ? 16 : 24, this.family);
  }

  /** Routers count it down while the packet is under way. */
  get hopLimit(): number {
    return this.packet[this.family === 4 ? 8 : 7] ?? 0;
  }

  get urgent(): number {
    return (this.flags & TCP_URG) === 0 ? 0 : be16(this.packet, this.l4At + 18);
  }

  get payload(): Uint8Array {
    const { packet, end } = this;
    const from = this.l4At + this.headerBytes;
    // A copy costs half of what a view does: a small array that is never viewed has no buffer of its own.
    this.#payload ??= packet instanceof LentOctets ? packet.part(from, end) : packet.slice(from, end);
    return this.#payload;
  }

  get options(): readonly TcpOption[] {
    const { packet, l4At, headerBytes } = this;
    this.#options ??= readTcpOptions(packet.slice(l4At + TCP_HEADER_BYTES, l4At + headerBytes));
    return this.#options;
  }

  get checksumHolds(): boolean {
    this.#checksumHolds ??= tcpChecksumHolds(this.packet, this.l4At, this.end);
    return this.#checksumHolds;
  }

  get key(): string {
    this.#key ??= flowKey(this.packet, this.family, this.sourcePort, this.destinationPort, false);
    return this.#key;
  }

  get reverseKey(): string {
    return flowKey(this.packet, this.family, this.destinationPort, this.sourcePort, true);
  }
}

interface AddressText {
  readonly words: readonly [number, number, number, number];
  readonly text: string;
}

const texts: AddressText[] = [];
/** Addresses that are kept written: a simulation has a few, which it meets all the time. */
const TEXTS_MAX = 16;

function addressText(packet: Uint8Array, at: number, family: 4 | 6): string {
  const first = be32(packet, at);
  // No IPv6 address of a packet is written in place of an IPv4 one: their second words differ.
  const second = family === 4 ? -1 : be32(packet, at + 4);
  const third = family === 4 ? 0 : be32(packet, at + 8);
  const fourth = family === 4 ? 0 : be32(packet, at + 12);
  for (const { words, text } of texts) {
    if (words[3] === fourth && words[0] === first && words[1] === second && words[2] === third) return text;
  }
  if (texts.length >= TEXTS_MAX) texts.length = 0;
  const text = formatAddress(packet.slice(at, at + (family === 4 ? 4 : 16)));
  texts.push({ words: [first, second, third, fourth], text });
  return text;
}

/** Sequence numbers that the segment takes: its payload, and one each for SYN and FIN. */
export function sequenceBytes(segment: Pick<TcpSegment, "payloadBytes" | "flags">): number {
  return segment.payloadBytes + (has(segment, TCP_SYN) ? 1 : 0) + (has(segment, TCP_FIN) ? 1 : 0);
}

/** Whether all of the given flag bits are set. */
export function has(segment: Pick<TcpSegment, "flags">, flags: number): boolean {
  return (segment.flags & flags) === flags;
}

/** The TSval of the timestamps option (RFC 7323 section 3), where there is one. */
export function timestampOf(segment: Pick<TcpSegment, "options" | "headerBytes">): number | undefined {
  if (segment.headerBytes < TCP_HEADER_BYTES + OPTION_TIMESTAMPS_BYTES) return undefined;
  if (segment instanceof SegmentInPlace) {
    // The place where Linux and most others put it, behind two fillers, on a SYN behind the MSS before them: no list of
    // options is made for it.
    const { packet } = segment;
    const first = segment.l4At + TCP_HEADER_BYTES;
    const at = be16(packet, first) === 0x0204 ? first + 4 : first;
    const usual = be16(packet, at) === 0x0101 && be16(packet, at + 2) === 0x080a;
    if (usual && at + 12 <= segment.l4At + segment.headerBytes) return be32(packet, at + 4);
  }
  const option = segment.options.find(({ kind }) => kind === "timestamps");
  return option?.kind === "timestamps" ? option.value : undefined;
}

/** Whether the segment bears the option of RFC 2385. */
export function isSigned(segment: Pick<TcpSegment, "options" | "headerBytes">): boolean {
  return segment.headerBytes >= TCP_HEADER_BYTES + 18 && segment.options.some(({ kind }) => kind === "md5");
}

function be16(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
}

function be32(octets: Uint8Array, at: number): number {
  return (be16(octets, at) * 0x10000 + be16(octets, at + 2)) >>> 0;
}
