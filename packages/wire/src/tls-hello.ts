// A TLS ClientHello as browsers send it (RFC 8446 section 4.1.2), in its record, from a few choices.
import { checkedField, WireError } from "./errors.ts";
import { concat, octetAt, octetsOf, word } from "./octets.ts";

const RECORD_HANDSHAKE = 22;
const HANDSHAKE_CLIENT_HELLO = 1;
const RECORD_HEADER_BYTES = 5;
/** RFC 8446 section 5.1 */
const RECORD_MAX_BYTES = 16384;
const EXTENSION_SERVER_NAME = 0;
const EXTENSION_PADDING = 21;
const GROUP_X25519 = 0x001d;
const GROUP_X25519_MLKEM768 = 0x11ec;
const X25519_SHARE_BYTES = 32;
/** The share of X25519MLKEM768: what makes a hello too long for one packet. */
export const POST_QUANTUM_SHARE_BYTES = 1216;
const DEFAULT_SUITES: readonly number[] = [
  0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d,
];

/** An extension of a hello (RFC 8446 section 4.2). */
export interface TlsExtension {
  readonly type: number;
  readonly data: Uint8Array;
}

/** What a ClientHello is built from (RFC 8446 section 4.1.2). */
export interface ClientHelloFields {
  /** Default: no server_name extension. */
  readonly serverName?: string;
  /** Default 32 octets. */
  readonly sessionId?: Uint8Array;
  readonly cipherSuites?: readonly number[];
  /** Default h2, http/1.1; an empty list leaves the extension out. */
  readonly alpn?: readonly string[];
  /** Octets of the key share: 32 (default) is X25519; more (1216) is a post-quantum group, with X25519 behind it. */
  readonly keyShareBytes?: number;
  /** The whole record grows to this size by a padding extension. */
  readonly padToBytes?: number;
  /** Where server_name stands among the extensions. Default "first". */
  readonly extensionOrder?: "first" | "last";
  /** Default 0x0301, as RFC 8446 section 5.1 has it for a first hello. */
  readonly recordVersion?: number;
  /** 32 octets; the default is fixed, so that equal fields give equal octets. */
  readonly random?: Uint8Array;
  /** More extensions, behind the usual ones. */
  readonly extensions?: readonly TlsExtension[];
}

/**
 * The record with the hello.
 * @throws WireError E_WIRE_FIELD: a field out of range, or a `padToBytes` that cannot be met to the octet (the padding
 * extension itself takes four)
 */
export function clientHello(fields: ClientHelloFields = {}): Uint8Array {
  const bare = helloRecord(fields, 0);
  if (fields.padToBytes === undefined || fields.padToBytes === bare.length) return bare;
  const missing = fields.padToBytes - bare.length;
  if (missing < 4) {
    const least = `${bare.length}, or ${bare.length + 4} and more`;
    throw new WireError("E_WIRE_FIELD", `padToBytes must be ${least}, found ${fields.padToBytes}`);
  }
  return helloRecord(fields, missing);
}

function helloRecord(fields: ClientHelloFields, paddingBytes: number): Uint8Array {
  const random = fields.random ?? Uint8Array.from({ length: 32 }, (_, index) => (index * 37 + 11) & 0xff);
  if (random.length !== 32) throw new WireError("E_WIRE_FIELD", `random must have 32 octets, found ${random.length}`);
  const sessionId = fields.sessionId ?? Uint8Array.from({ length: 32 }, (_, index) => (index * 53 + 7) & 0xff);
  checkedField("octets of the session id", sessionId.length, 255);
  const extensions = extensionsOf(fields, paddingBytes).map(({ type, data }) => concat(word(type), vector16(data)));
  const body = concat(
    word(0x0303),
    random,
    sessionId.length,
    sessionId,
    vector16(words(fields.cipherSuites ?? DEFAULT_SUITES)),
    Uint8Array.of(1, 0),
    vector16(concat(...extensions)),
  );
  const recordBytes = checkedField("octets of the record", body.length + 4, RECORD_MAX_BYTES);
  const version = checkedField("record version", fields.recordVersion ?? 0x0301, 0xffff);
  return concat(
    concat(RECORD_HANDSHAKE, word(version), word(recordBytes)),
    concat(HANDSHAKE_CLIENT_HELLO, 0, word(body.length), body),
  );
}

function extensionsOf(fields: ClientHelloFields, paddingBytes: number): TlsExtension[] {
  const usual = [...usualExtensions(fields), ...(fields.extensions ?? [])];
  if (paddingBytes > 0) usual.push({ type: EXTENSION_PADDING, data: new Uint8Array(paddingBytes - 4) });
  if (fields.serverName === undefined) return usual;
  const name = octetsOf(fields.serverName);
  checkedField("octets of the server name", name.length, 0xffff - 5);
  const serverName = { type: EXTENSION_SERVER_NAME, data: vector16(concat(0, vector16(name))) };
  return fields.extensionOrder === "last" ? [...usual, serverName] : [serverName, ...usual];
}

function usualExtensions(fields: ClientHelloFields): TlsExtension[] {
  const shareBytes = checkedField("octets of the key share", fields.keyShareBytes ?? X25519_SHARE_BYTES, 0x3fff);
  const group = shareBytes > X25519_SHARE_BYTES ? GROUP_X25519_MLKEM768 : GROUP_X25519;
  const shares = [keyShare(group, shareBytes)];
  if (group !== GROUP_X25519) shares.push(keyShare(GROUP_X25519, X25519_SHARE_BYTES));
  const groups = group === GROUP_X25519 ? [GROUP_X25519, 0x0017, 0x0018] : [group, GROUP_X25519, 0x0017, 0x0018];
  const alpn = fields.alpn ?? ["h2", "http/1.1"];
  const signatures = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
  const extensions: TlsExtension[] = [
    { type: 23, data: new Uint8Array(0) },
    { type: 10, data: vector16(words(groups)) },
    { type: 11, data: Uint8Array.of(1, 0) },
    { type: 13, data: vector16(words(signatures)) },
    { type: 43, data: Uint8Array.of(4, 3, 4, 3, 3) },
    { type: 45, data: Uint8Array.of(1, 1) },
    { type: 51, data: vector16(concat(...shares)) },
  ];
  if (alpn.length > 0) extensions.push({ type: 16, data: vector16(concat(...alpn.map(protocolName))) });
  return extensions;
}

function keyShare(group: number, bytes: number): Uint8Array {
  return concat(word(group), vector16(Uint8Array.from({ length: bytes }, (_, index) => (index * 29 + 3) & 0xff)));
}

function protocolName(name: string): Uint8Array {
  const octets = octetsOf(name);
  return concat(checkedField("octets of an ALPN name", octets.length, 255), octets);
}

function words(values: readonly number[]): Uint8Array {
  return concat(...values.map((value) => word(checkedField("16-bit value", value, 0xffff))));
}

/** With its length in two octets before it. */
function vector16(octets: Uint8Array): Uint8Array {
  return concat(word(checkedField("octets of a vector", octets.length, 0xffff)), octets);
}

/**
 * The handshake message of one record in several records of the same type and version. `at` counts from the start of
 * `hello` (as `nameOffset` does), rises, and lies within the message.
 * @throws WireError E_WIRE_FIELD
 */
export function splitRecords(hello: Uint8Array, at: readonly number[]): Uint8Array {
  const bounds = [RECORD_HEADER_BYTES, ...at, hello.length];
  const records = bounds.slice(1).map((end, index) => {
    const start = bounds[index] ?? 0;
    if (!Number.isInteger(end) || end <= start || end > hello.length) {
      const range = `${start + 1} to ${hello.length}`;
      throw new WireError("E_WIRE_FIELD", `record boundary must lie within ${range}, found ${end}`);
    }
    return concat(octetAt(hello, 0), hello.slice(1, 3), vector16(hello.slice(start, end)));
  });
  return concat(...records);
}
