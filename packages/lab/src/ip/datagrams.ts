// Puts fragments together again: RFC 791 section 3.2, RFC 8200 section 4.5, and RFC 5722: fragments that overlap are no
// accident, so the whole datagram is thrown away. An exact repetition is ignored, as Linux does.
import { decodePacket, internetChecksum, PROTOCOL_TCP, PROTOCOL_UDP } from "@bunnel/wire";
import type { DecodedPacket } from "@bunnel/wire";
import { concat } from "../octets.ts";

/** Datagrams that may be incomplete at one time; the oldest gives way. */
export const DATAGRAMS_MAX = 64;
/** How long a datagram waits for its fragments, milliseconds (RFC 8200 section 4.5). */
export const DATAGRAM_WAIT_MS = 60_000;
/** Fragments of one datagram; 64 KiB in the smallest packets of IPv6 are 54. */
export const FRAGMENTS_MAX = 64;

const PACKET_MAX_BYTES = 65535;
const IPV6_HEADER_BYTES = 40;
const HEADER_FRAGMENT = 44;
const HEADER_AUTHENTICATION = 51;

interface Fragment {
  readonly from: number;
  readonly octets: Uint8Array;
}

interface Datagram {
  readonly sinceMs: number;
  readonly fragments: Fragment[];
  /** The first fragment's headers before the fragmentable part. */
  head: Uint8Array | undefined;
  bytes: number | undefined;
}

export class Datagrams {
  /** Most connections have none, so there is no map before the first fragment. */
  #opened: Map<string, Datagram> | undefined;

  /** The packet itself when it is no fragment, the whole one when its last missing fragment came, else undefined. */
  take(packet: Uint8Array, nowMs: number): Uint8Array | undefined {
    if (isPlain(packet)) return packet;
    const decoded = decodePacket(packet);
    if (decoded.family === 0 || !decoded.fragment) return packet;
    const piece = readPiece(packet, decoded);
    if (piece === undefined) return undefined;
    // A fragment that is the whole datagram has nothing to do with others of its number (RFC 6946).
    const atomic = decoded.fragmentOffset === 0 && !decoded.moreFragments;
    const datagram = atomic ? newDatagram(nowMs) : this.#find(piece.key, nowMs);
    if (!accept(datagram, piece, decoded.moreFragments)) {
      this.#open.delete(piece.key);
      return undefined;
    }
    const whole = assemble(datagram, decoded.family);
    if (whole !== undefined && !atomic) this.#open.delete(piece.key);
    return whole;
  }

  get #open(): Map<string, Datagram> {
    this.#opened ??= new Map();
    return this.#opened;
  }

  /** Forgets what is incomplete. */
  clear(): void {
    this.#opened = undefined;
  }

  #find(key: string, nowMs: number): Datagram {
    const known = this.#open.get(key);
    if (known !== undefined && nowMs - known.sinceMs <= DATAGRAM_WAIT_MS) return known;
    this.#open.delete(key);
    const oldest = this.#open.keys().next();
    if (this.#open.size >= DATAGRAMS_MAX && oldest.done !== true) this.#open.delete(oldest.value);
    const opened = newDatagram(nowMs);
    this.#open.set(key, opened);
    return opened;
  }
}

/** Whether a glance tells that the packet is no fragment: most are none. */
function isPlain(packet: Uint8Array): boolean {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4) return (((packet[6] ?? 0) & 0x3f) | (packet[7] ?? 0)) === 0;
  return version === 6 && (packet[6] === PROTOCOL_TCP || packet[6] === PROTOCOL_UDP);
}

function newDatagram(sinceMs: number): Datagram {
  return { sinceMs, fragments: [], head: undefined, bytes: undefined };
}

interface Piece extends Fragment {
  readonly key: string;
  readonly head: Uint8Array;
}

function readPiece(packet: Uint8Array, decoded: DecodedPacket): Piece | undefined {
  const { source, destination, protocol, totalBytes, fragmentOffset } = decoded;
  const start = decoded.family === 4 ? decoded.l4Offset : fragmentHeader(packet).at + 8;
  const octets = packet.slice(start, totalBytes);
  // Every piece but the last is a multiple of eight octets, and the end must be one a packet can have.
  if (octets.length === 0 || (decoded.moreFragments && octets.length % 8 !== 0)) return undefined;
  if (start + fragmentOffset * 8 + octets.length > PACKET_MAX_BYTES) return undefined;
  // The protocol is part of the key in IPv4 only: in IPv6 the first fragment alone knows it for sure.
  const id = decoded.family === 4 ? [protocol, decoded.id] : [...packet.subarray(start - 4, start)];
  return {
    key: [source, destination, ...id].join(" "),
    head: packet.slice(0, start),
    from: fragmentOffset * 8,
    octets,
  };
}

/** Where the fragment header lies and where it is named. The packet was decoded as a fragment, so there is one. */
function fragmentHeader(packet: Uint8Array): { readonly at: number; readonly namedAt: number } {
  let namedAt = 6;
  let at = IPV6_HEADER_BYTES;
  while (packet[namedAt] !== HEADER_FRAGMENT && at + 8 <= packet.length) {
    const length = packet[at + 1] ?? 0;
    const bytes = packet[namedAt] === HEADER_AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8;
    namedAt = at;
    at += bytes;
  }
  return { at, namedAt };
}

/** False: the pieces contradict each other. */
function accept(datagram: Datagram, piece: Piece, moreFragments: boolean): boolean {
  const end = piece.from + piece.octets.length;
  const known = datagram.fragments.find(({ from, octets }) => from < end && piece.from < from + octets.length);
  if (known !== undefined) return known.from <= piece.from && end <= known.from + known.octets.length;
  if (datagram.fragments.length === FRAGMENTS_MAX) return false;
  if (datagram.bytes !== undefined && end > datagram.bytes) return false;
  if (!moreFragments) {
    if (datagram.fragments.some(({ from, octets }) => from + octets.length > end)) return false;
    if (datagram.bytes !== undefined && datagram.bytes !== end) return false;
    datagram.bytes = end;
  }
  if (piece.from === 0) datagram.head = piece.head;
  datagram.fragments.push({ from: piece.from, octets: piece.octets });
  return true;
}

function assemble(datagram: Datagram, family: 4 | 6): Uint8Array | undefined {
  const { head, bytes, fragments } = datagram;
  const present = fragments.reduce((sum, { octets }) => sum + octets.length, 0);
  if (head === undefined || present !== bytes) return undefined;
  const ordered = fragments.toSorted((one, other) => one.from - other.from).map(({ octets }) => octets);
  return family === 4 ? wholeIpv4(head, ordered) : wholeIpv6(head, ordered);
}

function wholeIpv4(head: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const whole = concat(head, ...parts);
  const view = new DataView(whole.buffer);
  view.setUint16(2, whole.length);
  view.setUint16(6, 0);
  view.setUint16(10, 0);
  view.setUint16(10, internetChecksum(whole.subarray(0, head.length)));
  return whole;
}

function wholeIpv6(head: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const fragmentAt = head.length - 8;
  const whole = concat(head.subarray(0, fragmentAt), ...parts);
  const view = new DataView(whole.buffer);
  view.setUint16(4, whole.length - IPV6_HEADER_BYTES);
  view.setUint8(fragmentHeader(head).namedAt, head[fragmentAt] ?? 0);
  return whole;
}
