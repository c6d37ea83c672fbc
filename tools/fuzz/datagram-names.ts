// What the engine is to see in a datagram, read plainly: the name of a DNS query, and whether something is an Initial.
import { HOST_MAX_BYTES } from "@bunnel/abi";

const DNS_HEADER_BYTES = 12;
const LABEL_MAX_BYTES = 63;
const INITIAL_MIN_BYTES = 30;
const CONNECTION_ID_MAX_BYTES = 20;
/** Versions with the type bits that their Initials have (RFC 9000 section 17.2.2, RFC 9369 section 3.2). */
const INITIALS: ReadonlyMap<number, number> = new Map([
  [0x0000_0001, 0x00],
  [0x6b33_43cf, 0x10],
]);

/** Octets of the name that a query of one question asks for (RFC 1035 section 4.1); undefined: it is no such query. */
export function queryNameBytes(payload: Uint8Array): number | undefined {
  if (payload.length < DNS_HEADER_BYTES) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const isQuery = (view.getUint16(2) & 0xf800) === 0;
  if (!isQuery || view.getUint16(4) !== 1 || view.getUint16(6) !== 0) return undefined;
  const labels: string[] = [];
  let at = DNS_HEADER_BYTES;
  for (;;) {
    const bytes = payload[at];
    if (bytes === undefined || bytes > LABEL_MAX_BYTES) return undefined;
    at += 1;
    if (bytes === 0) break;
    if (at + bytes > payload.length) return undefined;
    labels.push("x".repeat(bytes));
    at += bytes;
  }
  const name = labels.join(".");
  return at + 4 <= payload.length && name.length <= HOST_MAX_BYTES ? name.length : undefined;
}

/** Whether a datagram starts with an Initial of a version that is known. */
export function isInitial(payload: Uint8Array): boolean {
  if (payload.length < INITIAL_MIN_BYTES) return false;
  const first = payload[0] ?? 0;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const isLong = (first & 0xc0) === 0xc0;
  return isLong && INITIALS.get(view.getUint32(1)) === (first & 0x30) && view.getUint8(5) <= CONNECTION_ID_MAX_BYTES;
}
