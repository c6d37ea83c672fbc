// QUIC packets with a long header (RFC 9000 section 17.2, RFC 9369 section 3.2), as they lie in a datagram.
//
//   | form 1, fixed 1, type 2, protected 4 | version 4 | dcid 1+n | scid 1+n | token i+n, Initial only | length i | …
import { checkedField } from "./errors.ts";
import { be32, concat, octetAt, setBe32 } from "./octets.ts";
import { QuicCursor, quicNumber } from "./quic-frame.ts";
import type { QuicVersion } from "./quic-keys.ts";

/** Kinds of packets with a long header and a payload. */
export type QuicPacketKind = "initial" | "zeroRtt" | "handshake";

/** Octets of a connection id in versions 1 and 2. */
export const CONNECTION_ID_MAX_BYTES = 20;
const FORM_AND_FIXED = 0xc0;
const NONE = new Uint8Array(0);
const VERSION_NUMBERS: Readonly<Record<QuicVersion, number>> = { 1: 0x00000001, 2: 0x6b3343cf };
/** The type bits. A Retry, the fourth, has no length and nothing behind it. */
const TYPES: Readonly<Record<QuicVersion, Readonly<Record<QuicPacketKind, number>>>> = {
  1: { initial: 0, zeroRtt: 1, handshake: 2 },
  2: { initial: 1, zeroRtt: 2, handshake: 3 },
};

/** What stands in the clear at the head of a packet (RFC 9000 section 17.2). */
export interface QuicLongHeader {
  /** Default 1. */
  readonly version?: QuicVersion;
  /** Default eight octets, the same for all. */
  readonly destinationId?: Uint8Array;
  /** Default none, as browsers have it. */
  readonly sourceId?: Uint8Array;
  /** Of an Initial. Default none. */
  readonly token?: Uint8Array;
}

export const DEFAULT_DESTINATION_ID: Uint8Array = Uint8Array.of(0xb0, 0x0e, 0x11, 0x5e, 0xed, 0x0d, 0xc1, 0xd5);

/** Up to and with the length, which takes two octets; `lowBits` are the four that get protected. */
export function longHeader(
  kind: QuicPacketKind,
  fields: QuicLongHeader,
  lowBits: number,
  lengthBytes: number,
): Uint8Array {
  const { version = 1, destinationId = DEFAULT_DESTINATION_ID, sourceId = NONE, token = NONE } = fields;
  const versionNumber = new Uint8Array(4);
  setBe32(versionNumber, 0, VERSION_NUMBERS[version]);
  const length = checkedField("octets of a QUIC packet behind its length", lengthBytes, 0x3fff);
  return concat(
    FORM_AND_FIXED | (TYPES[version][kind] << 4) | lowBits,
    versionNumber,
    checkedField("octets of the destination connection id", destinationId.length, CONNECTION_ID_MAX_BYTES),
    destinationId,
    checkedField("octets of the source connection id", sourceId.length, CONNECTION_ID_MAX_BYTES),
    sourceId,
    kind === "initial" ? concat(quicNumber(token.length), token) : NONE,
    Uint8Array.of(0x40 | (length >>> 8), length & 0xff),
  );
}

/**
 * A packet that cannot be read without the secrets of a connection, such as 0-RTT behind an Initial: `octets` stand
 * where the protected packet number and payload would.
 * @throws WireError E_WIRE_FIELD
 */
export function quicOpaquePacket(
  kind: Exclude<QuicPacketKind, "initial">,
  fields: QuicLongHeader,
  octets: Uint8Array,
): Uint8Array {
  return concat(longHeader(kind, fields, 0, octets.length), octets);
}

/** One packet of a datagram, still protected. */
export interface QuicPacketPlace {
  readonly kind: QuicPacketKind;
  readonly version: QuicVersion;
  readonly destinationId: Uint8Array;
  readonly sourceId: Uint8Array;
  readonly token: Uint8Array;
  /** Where the packet number starts, from the start of the packet. */
  readonly numberAt: number;
  /** A copy of the whole packet. */
  readonly octets: Uint8Array;
  /** Octets behind it in the datagram. */
  readonly rest: Uint8Array;
}

/** Undefined: no long header of a version and type that we know, or one that reaches past the datagram. */
export function readLongPacket(datagram: Uint8Array): QuicPacketPlace | undefined {
  if (datagram.length < 5 || (octetAt(datagram, 0) & FORM_AND_FIXED) !== FORM_AND_FIXED) return undefined;
  const version = ([1, 2] as const).find((each) => VERSION_NUMBERS[each] === be32(datagram, 1));
  const type = (octetAt(datagram, 0) >> 4) & 3;
  const kind = version && (["initial", "zeroRtt", "handshake"] as const).find((each) => TYPES[version][each] === type);
  if (!version || !kind) return undefined;
  const cursor = new QuicCursor(datagram, 5);
  const destinationId = connectionId(cursor);
  const sourceId = connectionId(cursor);
  const token = kind === "initial" ? cursor.take(cursor.number()) : NONE;
  const length = cursor.number();
  const numberAt = cursor.at;
  const content = cursor.take(length);
  if (!destinationId || !sourceId || !token || !content) return undefined;
  const octets = datagram.slice(0, cursor.at);
  return { kind, version, destinationId, sourceId, token, numberAt, octets, rest: datagram.slice(cursor.at) };
}

function connectionId(cursor: QuicCursor): Uint8Array | undefined {
  const bytes = cursor.octet();
  return bytes === undefined || bytes > CONNECTION_ID_MAX_BYTES ? undefined : cursor.take(bytes);
}
