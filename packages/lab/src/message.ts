// What the first message of a stream is and whose name it carries: a TLS ClientHello (RFC 8446) or an HTTP/1 request.
import { TLS_EXTENSIONS_MAX } from "@bunnel/abi";
import { HTTP_METHODS, readHttpRequest } from "@bunnel/wire";
import type { ReadRequest } from "@bunnel/wire";
import { concat, latin1 } from "./octets.ts";

const RECORD_HANDSHAKE = 22;
const RECORD_HEADER_BYTES = 5;
const RECORD_MAX_BYTES = 0xffff;
const HANDSHAKE_CLIENT_HELLO = 1;
/** Record and handshake header, version and random. */
const SESSION_ID_AT = RECORD_HEADER_BYTES + 4 + 2 + 32;
/** What a request can begin with. */
const METHOD_LETTERS = HTTP_METHODS.map((method) => method.charCodeAt(0));
const HOST_NAME_MAX_BYTES = 253;
/** Records that a server joins at most. */
const RECORDS_MAX = 16;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

export interface FirstMessage {
  readonly kind: "tls" | "http";
  /** The host name, as far as it can be read already. */
  readonly host: string | undefined;
  /** All of it is there: the whole handshake message, or the empty line behind the request's head. */
  readonly complete: boolean;
}

/**
 * Reads as a server does: a hello may be spread over several records, of which so many are joined. Undefined: neither
 * of the two.
 */
export function firstMessage(stream: Uint8Array, recordsMax = RECORDS_MAX): FirstMessage | undefined {
  return messageWithin(isSpread(stream) ? joinedRecords(stream, recordsMax) : stream);
}

/** Without the empty lines that may stand before a request (RFC 9112 section 2.2). */
export function behindEmptyLines(stream: Uint8Array): Uint8Array {
  let from = 0;
  while (stream[from] === CARRIAGE_RETURN && stream[from + 1] === LINE_FEED) from += 2;
  return from === 0 ? stream : stream.subarray(from);
}

/** Reads as a simple box does: of a hello what the first record holds of it, or a request. */
export function messageWithin(octets: Uint8Array): FirstMessage | undefined {
  if (octets[0] === RECORD_HANDSHAKE) return helloWithin(octets);
  const request = requestWithin(octets);
  return request === undefined ? undefined : { kind: "http", host: request.host, complete: hasEmptyLine(octets) };
}

/** The name in the first record, or in the request, when these octets hold all of it. */
export function nameIn(octets: Uint8Array): string | undefined {
  return messageWithin(octets)?.host;
}

/** What looks like the start of a hello, or of a request. */
export function looksKnown(octets: Uint8Array): boolean {
  if (octets[0] === RECORD_HANDSHAKE) return octets.length > 5 && octets[1] === 3 && octets[5] === 1;
  return requestWithin(octets) !== undefined;
}

/** What begins with no letter of a method is no request; to find that out needs no text. */
function requestWithin(octets: Uint8Array): ReadRequest | undefined {
  return METHOD_LETTERS.includes(octets[0] ?? 0) ? readHttpRequest(octets) : undefined;
}

/** The same walk as that of `readClientHello` of @bunnel/wire with "first", without its errors and copies. */
function helloWithin(octets: Uint8Array): FirstMessage | undefined {
  if (octets.length < 6 || octets[1] !== 3 || octets[5] !== HANDSHAKE_CLIENT_HELLO) return undefined;
  const recordEnd = RECORD_HEADER_BYTES + be16(octets, 3);
  const end = Math.min(octets.length, recordEnd);
  const messageEnd = RECORD_HEADER_BYTES + 4 + (octets[6] ?? 0) * 0x10000 + be16(octets, 7);
  const complete = octets.length >= recordEnd && end >= RECORD_HEADER_BYTES + 4 && end >= messageEnd;
  return { kind: "tls", host: serverName(octets, end), complete };
}

function serverName(octets: Uint8Array, recordEnd: number): string | undefined {
  let at = SESSION_ID_AT;
  if (at + 1 > recordEnd) return undefined;
  at += 1 + (octets[at] ?? 0);
  if (at + 2 > recordEnd) return undefined;
  at += 2 + be16(octets, at);
  if (at + 1 > recordEnd) return undefined;
  at += 1 + (octets[at] ?? 0);
  if (at + 2 > recordEnd) return undefined;
  const end = Math.min(recordEnd, at + 2 + be16(octets, at));
  at += 2;
  for (let seen = 0; seen < TLS_EXTENSIONS_MAX && at + 4 <= end; seen += 1) {
    const data = at + 4;
    const dataBytes = be16(octets, at + 2);
    if (be16(octets, at) === 0) return nameWithin(octets, data, Math.min(end, data + dataBytes));
    at = data + dataBytes;
  }
  return undefined;
}

/** List length 2, entry type 1, name length 2, name: all of it within the extension (RFC 6066 section 3). */
function nameWithin(octets: Uint8Array, data: number, end: number): string | undefined {
  if (data + 5 > end || octets[data + 2] !== 0) return undefined;
  const bytes = be16(octets, data + 3);
  const from = data + 5;
  if (bytes === 0 || bytes > HOST_NAME_MAX_BYTES || from + bytes > end) return undefined;
  return nameText(octets, from, bytes);
}

let lastName = "";

/** The name as text. The same one is read again and again, so the last one is kept. */
function nameText(octets: Uint8Array, from: number, bytes: number): string {
  let same = lastName.length === bytes;
  for (let at = 0; same && at < bytes; at += 1) same = lastName.charCodeAt(at) === octets[from + at];
  if (!same) lastName = latin1(octets.slice(from, from + bytes));
  return lastName;
}

/** Whether a hello begins here that its first record does not hold as a whole. */
function isSpread(stream: Uint8Array): boolean {
  if (stream[0] !== RECORD_HANDSHAKE || stream.length < RECORD_HEADER_BYTES) return false;
  const recordBytes = be16(stream, 3);
  if (stream.length < RECORD_HEADER_BYTES + 4) return recordBytes < 4;
  return recordBytes < 4 + (stream[6] ?? 0) * 0x10000 + be16(stream, 7);
}

/** The handshake octets of the leading records in one record; the stream itself when it starts with no such record. */
export function joinedRecords(stream: Uint8Array, recordsMax: number = RECORDS_MAX): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = 0;
  while (parts.length < recordsMax && at + RECORD_HEADER_BYTES <= stream.length && stream[at] === RECORD_HANDSHAKE) {
    const start = at + RECORD_HEADER_BYTES;
    at = start + be16(stream, at + 3);
    parts.push(stream.subarray(start, at));
  }
  if (parts.length < 2) return stream;
  const message = concat(...parts).subarray(0, RECORD_MAX_BYTES);
  return concat(stream.subarray(0, 3), Uint8Array.of(message.length >> 8, message.length & 0xff), message);
}

/** A line feed alone ends a line too (RFC 9112 section 2.2). */
function hasEmptyLine(stream: Uint8Array): boolean {
  for (let at = stream.indexOf(LINE_FEED); at >= 0; at = stream.indexOf(LINE_FEED, at + 1)) {
    const next = stream[at + 1] === CARRIAGE_RETURN ? at + 2 : at + 1;
    if (stream[next] === LINE_FEED) return true;
  }
  return false;
}

function be16(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
}
