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
  /** A copy of them. */
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
  const family = (packet[0] ?? 0) >> 4;
  const place = family === 4 ? placeInIpv4(packet) : family === 6 ? placeInIpv6(packet) : undefined;
  if (place === undefined || place.l4At + TCP_HEADER_BYTES > place.end) return undefined;
  const headerBytes = ((packet[place.l4At + 12] ?? 0) >> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES || place.l4At + headerBytes > place.end) return undefined;
  return new SegmentInPlace(packet, family === 4 ? 4 : 6, place.l4At, place.end, headerBytes);
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

class SegmentInPlace implements TcpSegment {
  #options: readonly TcpOption[] | undefined;
  #payload: Uint8Array | undefined;

  constructor(
    readonly packet: Uint8Array,
    readonly family: 4 | 6,
    readonly l4At: number,
    readonly end: number,
    readonly headerBytes: number,
  ) {}

  get source(): string {
    return addressText(this.packet, this.family === 4 ? 12 : 8, this.family);
  }

  get destination(): string {
    return addressText(this.packet, this.family === 4 ? 16 : 24, this.family);
  }

  get sourcePort(): number {
    return be16(this.packet, this.l4At);
  }

  get destinationPort(): number {
    return be16(this.packet, this.l4At + 2);
  }

  get hopLimit(): number {
    return this.packet[this.family === 4 ? 8 : 7] ?? 0;
  }

  get seq(): number {
    return be32(this.packet, this.l4At + 4);
  }

  get ack(): number {
    return be32(this.packet, this.l4At + 8);
  }

  get flags(): number {
    return this.packet[this.l4At + 13] ?? 0;
  }

  get urgent(): number {
    return (this.flags & TCP_URG) === 0 ? 0 : be16(this.packet, this.l4At + 18);
  }

  get payload(): Uint8Array {
    // A copy costs half of what a view does: a small array that is never viewed has no buffer of its own.
    this.#payload ??= this.packet.slice(this.l4At + this.headerBytes, this.end);
    return this.#payload;
  }

  get payloadBytes(): number {
    return this.end - this.l4At - this.headerBytes;
  }

  get options(): readonly TcpOption[] {
    const { packet, l4At, headerBytes } = this;
    this.#options ??= readTcpOptions(packet.slice(l4At + TCP_HEADER_BYTES, l4At + headerBytes));
    return this.#options;
  }

  get checksumHolds(): boolean {
    return tcpChecksumHolds(this.packet, this.l4At, this.end);
  }

  get key(): string {
    const { packet, l4At } = this;
    return flowKey(packet, this.family, be16(packet, l4At), be16(packet, l4At + 2), false);
  }

  get reverseKey(): string {
    const { packet, l4At } = this;
    return flowKey(packet, this.family, be16(packet, l4At + 2), be16(packet, l4At), true);
  }
}

const texts = new Map<string, string>();
/** Addresses that are kept written: a simulation has a few, which it meets all the time. */
const TEXTS_MAX = 64;

function addressText(packet: Uint8Array, at: number, family: 4 | 6): string {
  let key = String.fromCharCode(be16(packet, at), be16(packet, at + 2));
  const bytes = family === 4 ? 4 : 16;
  for (let word = 4; word < bytes; word += 2) key += String.fromCharCode(be16(packet, at + word));
  const known = texts.get(key);
  if (known !== undefined) return known;
  if (texts.size >= TEXTS_MAX) texts.clear();
  const text = formatAddress(packet.subarray(at, at + bytes));
  texts.set(key, text);
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
