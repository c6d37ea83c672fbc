// Where the host name of a ClientHello lies (RFC 8446 section 4.1.2, RFC 6066 section 3): the same walk as that over a
// TLS record, from the handshake header on. It reads lengths only, so that what it steps over may still be missing.
//
//   handshake 4 | version 2 | random 32 | session id 1+n | cipher suites 2+n | compression 1+n | extensions 2+n
import { HOST_MAX_BYTES, TLS_EXTENSIONS_MAX } from "@bunnel/abi";
import type { HelloStream } from "./hello-stream.ts";

/** The name, one character per octet; or that octets before it are missing; or that there is none. */
export type QuicAnswer = { readonly name: string } | "incomplete" | "none";

const CLIENT_HELLO = 1;
const HANDSHAKE_HEADER_BYTES = 4;
const SESSION_ID_AT = HANDSHAKE_HEADER_BYTES + 2 + 32;
const EXTENSION_SERVER_NAME = 0;
/** Octets of the lengths of session id, cipher suites and compression methods. */
const LENGTHS = [1, 2, 1];

export function helloName(stream: HelloStream): QuicAnswer {
  if (!stream.has(0, 1)) return "incomplete";
  if (stream.number(0, 1) !== CLIENT_HELLO) return "none";
  if (!stream.has(1, 3)) return "incomplete";
  const end = Math.min(HANDSHAKE_HEADER_BYTES + stream.number(1, 3), stream.maxBytes);
  let at = SESSION_ID_AT;
  for (const lengthBytes of LENGTHS) {
    if (at + lengthBytes > end) return "none";
    if (!stream.has(at, lengthBytes)) return "incomplete";
    at += lengthBytes + stream.number(at, lengthBytes);
  }
  if (at + 2 > end) return "none";
  if (!stream.has(at, 2)) return "incomplete";
  return findServerName(stream, at + 2, Math.min(end, at + 2 + stream.number(at, 2)));
}

function findServerName(stream: HelloStream, start: number, end: number): QuicAnswer {
  let at = start;
  for (let seen = 0; seen < TLS_EXTENSIONS_MAX && at + 4 <= end; seen++) {
    if (!stream.has(at, 4)) return "incomplete";
    const data = at + 4;
    const dataEnd = data + stream.number(at + 2, 2);
    if (stream.number(at, 2) === EXTENSION_SERVER_NAME) return nameOf(stream, data, Math.min(end, dataEnd));
    at = dataEnd;
  }
  return "none";
}

/** List length 2, entry type 1, name length 2, name: all of it within the extension. */
function nameOf(stream: HelloStream, data: number, end: number): QuicAnswer {
  if (data + 5 > end) return "none";
  if (!stream.has(data + 2, 3)) return "incomplete";
  const bytes = stream.number(data + 3, 2);
  if (stream.number(data + 2, 1) !== 0 || bytes < 1 || bytes > HOST_MAX_BYTES || data + 5 + bytes > end) return "none";
  return stream.has(data + 5, bytes) ? { name: stream.text(data + 5, bytes) } : "incomplete";
}
