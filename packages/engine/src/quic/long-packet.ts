// Long headers in place: RFC 9000 section 17.2, RFC 9369 section 3.2.
//
//   | form 1, fixed 1, type 2, protected 4 | version 4 | dcid 1+n | scid 1+n | token i+n, Initial only | length i | …
import { QUIC_VERSIONS, type QuicVersion } from "./initial-keys.ts";
import { OctetCursor, OVER } from "./octet-cursor.ts";

const FORM_AND_FIXED = 0xc0;
const CONNECTION_ID_MAX_BYTES = 20;

/** One packet of a datagram. Places count from the datagram's start. */
export interface LongPacket {
  readonly version: QuicVersion;
  readonly isInitial: boolean;
  /** A view of the datagram. */
  readonly destinationId: Uint8Array;
  readonly start: number;
  /** Where the protected packet number starts. */
  readonly numberAt: number;
  readonly end: number;
}

/** Whether a datagram can start with a packet that `readLongPacket` reads. Cheap. */
export function startsLong(datagram: Uint8Array): boolean {
  return ((datagram[0] ?? 0) & FORM_AND_FIXED) === FORM_AND_FIXED;
}

/** Undefined: no long header of a version that we know, a Retry, or a packet that reaches past the datagram. */
export function readLongPacket(datagram: Uint8Array, start: number): LongPacket | undefined {
  const first = datagram[start] ?? 0;
  if ((first & FORM_AND_FIXED) !== FORM_AND_FIXED) return undefined;
  const version = versionAt(datagram, start + 1);
  const type = (first >> 4) & 3;
  // A Retry has no length, and nothing stands behind it.
  if (version === undefined || type === version.retryType) return undefined;
  const isInitial = type === version.initialType;
  const cursor = new OctetCursor(datagram, start + 5, datagram.length);
  const destinationAt = connectionId(cursor);
  const destinationEnd = cursor.at;
  if (destinationAt === OVER || connectionId(cursor) === OVER) return undefined;
  if (isInitial && cursor.skip(cursor.number()) === OVER) return undefined;
  const length = cursor.number();
  const numberAt = cursor.skip(length);
  if (numberAt === OVER) return undefined;
  const destinationId = datagram.subarray(destinationAt, destinationEnd);
  return { version, isInitial, destinationId, start, numberAt, end: cursor.at };
}

/** Octets past the end count as zero, which makes no version that we know. */
function versionAt(datagram: Uint8Array, at: number): QuicVersion | undefined {
  let number = 0;
  for (let i = 0; i < 4; i++) number = number * 0x100 + (datagram[at + i] ?? 0);
  return QUIC_VERSIONS.find((version) => version.number === number);
}

function connectionId(cursor: OctetCursor): number {
  const bytes = cursor.octet();
  return bytes > CONNECTION_ID_MAX_BYTES ? OVER : cursor.skip(bytes);
}

export function sameOctets(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}
