// What the first octets of a client are: a TLS ClientHello, the head of an HTTP request, neither, or not enough to say.
import { HTTP_METHODS, readClientHello, readHttpRequest } from "@bunnel/wire";

/** What a hello may have at most; a longer one goes on as it is. */
export const MESSAGE_MAX_BYTES = 65_536;
const RECORD_HANDSHAKE = 22;
const RECORD_HEADER_BYTES = 5;
const CLIENT_HELLO = 1;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** A message that a strategy can be carried out on, and where its parts lie. */
export interface StreamMessage {
  readonly kind: "tls" | "http";
  /** One character per octet; undefined: it names none. */
  readonly host: string | undefined;
  /** 0 where there is no host, or where it is not in one piece. */
  readonly hostOffset: number;
  readonly hostBytes: number;
  /** Of the data of the server_name extension; 0: there is none. */
  readonly sniExtOffset: number;
  /** Octets of the hello with its record headers, or of the head with the empty line. */
  readonly bytes: number;
}

/** "more": it may become one; "other": it will not. */
export type Recognised = StreamMessage | "more" | "other";

/** What the octets from the first of a stream on are. */
export function recognise(octets: Uint8Array): Recognised {
  if (octets.length === 0) return "more";
  return octets[0] === RECORD_HANDSHAKE ? recogniseHello(octets) : recogniseRequest(octets);
}

function recogniseHello(octets: Uint8Array): Recognised {
  if ((octets[1] ?? 3) !== 3 || (octets[RECORD_HEADER_BYTES] ?? CLIENT_HELLO) !== CLIENT_HELLO) return "other";
  const hello = readClientHello(octets);
  if (hello?.complete !== true) return octets.length < MESSAGE_MAX_BYTES ? "more" : "other";
  const { serverName, nameOffset, nameBytes, sniExtOffset } = hello;
  const bytes = helloEnd(octets);
  return { kind: "tls", host: serverName, hostOffset: nameOffset, hostBytes: nameBytes, sniExtOffset, bytes };
}

/** Behind the last record that has octets of the handshake message. */
function helloEnd(octets: Uint8Array): number {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  let message = -1;
  let joined = 0;
  let at = 0;
  while (at + RECORD_HEADER_BYTES <= octets.length) {
    const record = view.getUint16(at + 3);
    if (message < 0 && joined + record >= 4) message = 4 + messageBytes(octets, at, joined);
    joined += record;
    at += RECORD_HEADER_BYTES + record;
    if (message >= 0 && joined >= message) return Math.min(at, octets.length);
  }
  return octets.length;
}

/** The length in a handshake header of which `before` octets stand in earlier records; mostly all of it is here. */
function messageBytes(octets: Uint8Array, at: number, before: number): number {
  if (before > 0) return 0;
  const lengthAt = at + RECORD_HEADER_BYTES + 1;
  return ((octets[lengthAt] ?? 0) << 16) | ((octets[lengthAt + 1] ?? 0) << 8) | (octets[lengthAt + 2] ?? 0);
}

function recogniseRequest(octets: Uint8Array): Recognised {
  if (!mayBeRequest(octets)) return "other";
  const end = headEnd(octets);
  if (end < 0) return octets.length < MESSAGE_MAX_BYTES ? "more" : "other";
  const request = readHttpRequest(octets.subarray(0, end));
  if (request === undefined) return "other";
  const { host, hostOffset, hostBytes } = request;
  return { kind: "http", host, hostOffset, hostBytes, sniExtOffset: 0, bytes: end };
}

function mayBeRequest(octets: Uint8Array): boolean {
  const start = String.fromCharCode(...octets.subarray(0, 8));
  return HTTP_METHODS.some((method) => `${method} `.startsWith(start) || start.startsWith(`${method} `));
}

/** Behind the empty line that ends a head; -1: none is there. A line feed alone ends a line (RFC 9112 section 2.2). */
export function headEnd(octets: Uint8Array): number {
  for (let at = octets.indexOf(LINE_FEED); at >= 0; at = octets.indexOf(LINE_FEED, at + 1)) {
    if (octets[at + 1] === LINE_FEED) return at + 2;
    if (octets[at + 1] === CARRIAGE_RETURN && octets[at + 2] === LINE_FEED) return at + 3;
  }
  return -1;
}
