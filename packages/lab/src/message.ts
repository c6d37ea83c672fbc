// What the first message of a stream is and whose name it carries: a TLS ClientHello (RFC 8446) or an HTTP/1 request.
import { readClientHello, readHttpRequest } from "@bunnel/wire";
import { concat, latin1 } from "./octets.ts";

const RECORD_HANDSHAKE = 22;
const RECORD_HEADER_BYTES = 5;
const RECORD_MAX_BYTES = 0xffff;

export interface FirstMessage {
  readonly kind: "tls" | "http";
  /** The host name, as far as it can be read already. */
  readonly host: string | undefined;
  /** All of it is there: the whole handshake message, or the empty line behind the request's head. */
  readonly complete: boolean;
}

/** Reads as a server does: a hello may be spread over several records. Undefined: neither of the two. */
export function firstMessage(stream: Uint8Array): FirstMessage | undefined {
  const hello = readClientHello(joinedRecords(stream));
  if (hello !== undefined) return { kind: "tls", host: hello.serverName, complete: hello.complete };
  const request = readHttpRequest(stream);
  if (request === undefined) return undefined;
  return { kind: "http", host: request.host, complete: hasEmptyLine(stream) };
}

/** Reads as a simple box does: the name in the first record, or in the request, when these octets hold all of it. */
export function nameIn(octets: Uint8Array): string | undefined {
  return readClientHello(octets, "first")?.serverName ?? readHttpRequest(octets)?.host;
}

/** The handshake octets of all leading records in one record; the stream itself when it starts with no such record. */
function joinedRecords(stream: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at + RECORD_HEADER_BYTES <= stream.length && stream[at] === RECORD_HANDSHAKE) {
    const start = at + RECORD_HEADER_BYTES;
    at = start + (stream[at + 3] ?? 0) * 0x100 + (stream[at + 4] ?? 0);
    parts.push(stream.subarray(start, at));
  }
  if (parts.length < 2) return stream;
  const message = concat(...parts).subarray(0, RECORD_MAX_BYTES);
  return concat(stream.subarray(0, 3), Uint8Array.of(message.length >> 8, message.length & 0xff), message);
}

function hasEmptyLine(stream: Uint8Array): boolean {
  return latin1(stream).includes("\r\n\r\n");
}
