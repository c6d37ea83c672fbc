// A ClientHello in several records (RFC 8446 section 5.1): joined for reading, and where its octets stand in the
// payload.
import { TLS_HELLO_MAX_BYTES, TLS_RECORDS_MAX } from "@bunnel/abi";
import { be16, be24, concat } from "./octets.ts";

export const RECORD_HEADER_BYTES = 5;
const HANDSHAKE_HEADER_BYTES = 4;

export interface JoinedHello {
  /** One record header, and behind it what is there of the handshake message. */
  readonly octets: Uint8Array;
  /** All of the handshake message is there. */
  readonly complete: boolean;
  /** Where an octet of `octets` stands in the payload. */
  placeOf(offset: number): number;
}

/** Whether the handshake message that starts in the first record goes on in a second one. */
export function isSpread(payload: Uint8Array): boolean {
  if (payload.length < RECORD_HEADER_BYTES + HANDSHAKE_HEADER_BYTES) return false;
  const record = be16(payload, 3);
  return record < HANDSHAKE_HEADER_BYTES || HANDSHAKE_HEADER_BYTES + be24(payload, 6) > record;
}

/** Octets of the handshake message; before its header is there, those of the header. */
function wantedBytes(joined: Uint8Array): number {
  return joined.length < HANDSHAKE_HEADER_BYTES ? HANDSHAKE_HEADER_BYTES : HANDSHAKE_HEADER_BYTES + be24(joined, 1);
}

/** Joins the records as far as they are there, within the limits that the engine has too. */
export function joinRecords(payload: Uint8Array): JoinedHello {
  const pieces: { readonly at: number; readonly octets: Uint8Array }[] = [];
  let joined: Uint8Array = new Uint8Array(0);
  let at = 0;
  while (pieces.length < TLS_RECORDS_MAX && joined.length < wantedBytes(joined)) {
    if (at + RECORD_HEADER_BYTES > payload.length || payload[at] !== 22 || payload[at + 1] !== 3) break;
    const start = at + RECORD_HEADER_BYTES;
    const end = start + be16(payload, at + 3);
    const octets = payload.subarray(start, Math.min(end, start + TLS_HELLO_MAX_BYTES - joined.length));
    pieces.push({ at: start, octets });
    joined = concat(joined, octets);
    at = end;
  }
  return {
    octets: concat(payload.subarray(0, RECORD_HEADER_BYTES), joined),
    complete: joined.length >= HANDSHAKE_HEADER_BYTES && joined.length >= wantedBytes(joined),
    placeOf(offset) {
      let left = offset - RECORD_HEADER_BYTES;
      for (const piece of pieces) {
        if (left < piece.octets.length) return piece.at + left;
        left -= piece.octets.length;
      }
      return payload.length;
    },
  };
}
