// A ClientHello in more records than it came in (RFC 8446 section 5.1 lets a message be spread over records).
//
//   22 3 1 0 200 | handshake 1..200          22 3 1 0 90 | handshake 1..90 | 22 3 1 0 110 | handshake 91..200
import type { Edit } from "./edits.ts";

const RECORD_HEADER_BYTES = 5;
const LENGTH_AT = 3;

/** The edits that cut records at offsets of the message. An offset in a header, or at a record's edge, cuts nothing. */
export function recordEdits(octets: Uint8Array, cuts: readonly number[]): readonly Edit[] {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const sorted = [...new Set(cuts)].toSorted((a, b) => a - b);
  const edits: Edit[] = [];
  for (let at = 0; at + RECORD_HEADER_BYTES <= octets.length;) {
    const start = at + RECORD_HEADER_BYTES;
    const end = start + view.getUint16(at + LENGTH_AT);
    const edges = [start, ...sorted.filter((cut) => cut > start && cut < end), end];
    for (const [index, edge] of edges.slice(0, -1).entries()) {
      const bytes = (edges[index + 1] ?? end) - edge;
      const length = Uint8Array.of(bytes >> 8, bytes & 0xff);
      if (edges.length === 2) continue;
      if (index === 0) edits.push({ at: at + LENGTH_AT, remove: 2, insert: length });
      else
        edits.push({ at: edge, remove: 0, insert: Uint8Array.of(...octets.subarray(at, at + LENGTH_AT), ...length) });
    }
    at = end;
  }
  return edits;
}
