// The frames of an Initial (RFC 9000 sections 12.4 and 19), of which only CRYPTO says anything about the hello.
import type { HelloStream } from "./hello-stream.ts";
import { OctetCursor, OVER } from "./octet-cursor.ts";

const PADDING = 0x00;
const PING = 0x01;
const ACK = 0x02;
const ACK_ECN = 0x03;
const CRYPTO = 0x06;
const CONNECTION_CLOSE = 0x1c;

/**
 * Adds what the CRYPTO frames tell to the stream and returns how many octets that was. Reading ends at the first frame
 * that is cut short or may not stand in an Initial; what came before it counts.
 */
export function gatherCrypto(payload: Uint8Array, stream: HelloStream): number {
  const cursor = new OctetCursor(payload, 0, payload.length);
  let gathered = 0;
  for (;;) {
    switch (cursor.octet()) {
      case PADDING:
      case PING:
        break;
      case ACK:
        if (!skipAck(cursor, 0)) return gathered;
        break;
      case ACK_ECN:
        if (!skipAck(cursor, 3)) return gathered;
        break;
      case CRYPTO: {
        const offset = cursor.number();
        const from = cursor.skip(cursor.number());
        if (from === OVER) return gathered;
        stream.add(offset, payload, from, cursor.at - from);
        gathered += cursor.at - from;
        break;
      }
      case CONNECTION_CLOSE:
        skipNumbers(cursor, 2);
        if (cursor.skip(cursor.number()) === OVER) return gathered;
        break;
      default:
        return gathered;
    }
  }
}

/** Largest, delay, count of ranges, first range, a gap and a length for each range, and the counts of ECN. */
function skipAck(cursor: OctetCursor, ecnCounts: number): boolean {
  skipNumbers(cursor, 2);
  const ranges = cursor.number();
  return ranges !== OVER && skipNumbers(cursor, 1 + 2 * ranges + ecnCounts);
}

/** Each takes an octet at least, so that no count can make more turns than there are octets. */
function skipNumbers(cursor: OctetCursor, count: number): boolean {
  for (let i = 0; i < count; i++) if (cursor.number() === OVER) return false;
  return true;
}
