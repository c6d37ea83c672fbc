// Where the host name of a ClientHello lies (RFC 8446 section 4.1.2, RFC 6066 section 3), as the engine reads it.
//
//   record 5 | handshake 4 | version 2 | random 32 | session id | cipher suites | compression | extensions
import { HOST_MAX_BYTES, TLS_EXTENSIONS_MAX } from "@bunnel/abi";
import { be16, be24, latin1Of, octetAt } from "./octets.ts";
import { isSpread, joinRecords, RECORD_HEADER_BYTES } from "./tls-records.ts";

const SESSION_ID_AT = RECORD_HEADER_BYTES + 4 + 2 + 32;

/**
 * What of a ClientHello could be read. Offsets count from the start of the payload; 0 where there is no name, and where
 * a record header stands inside it.
 */
export interface ReadHello {
  /** One character per octet. Undefined: no server name, or it is cut short. */
  readonly serverName?: string;
  readonly nameOffset: number;
  readonly nameBytes: number;
  /** Where the data of the server_name extension starts. */
  readonly sniExtOffset: number;
  /** The whole handshake message lies in this payload, in one record or several. */
  readonly complete: boolean;
}

/**
 * Undefined: the payload does not start as a ClientHello does. Nothing past its records is read; with "first", as some
 * boxes do, nothing past the first of them.
 */
export function readClientHello(payload: Uint8Array, records: "joined" | "first" = "joined"): ReadHello | undefined {
  if (payload.length < 6 || payload[0] !== 22 || payload[1] !== 3 || payload[5] !== 1) return undefined;
  if (records === "joined" && isSpread(payload)) return readSpreadHello(payload);
  const record = payload.subarray(0, RECORD_HEADER_BYTES + be16(payload, 3));
  const complete =
    payload.length >= RECORD_HEADER_BYTES + be16(payload, 3) &&
    record.length >= 9 &&
    record.length >= 9 + be24(record, 6);
  const extensions = findExtensions(record);
  const name = extensions && findServerName(record, extensions.start, extensions.end);
  if (!name) return { nameOffset: 0, nameBytes: 0, sniExtOffset: 0, complete };
  const serverName = latin1Of(record.subarray(name.nameOffset, name.nameOffset + name.nameBytes));
  return { serverName, ...name, complete };
}

/** A hello in several records: read where it is joined, its places told as they are in the payload. */
function readSpreadHello(payload: Uint8Array): ReadHello {
  const joined = joinRecords(payload);
  const { octets, complete } = joined;
  const extensions = findExtensions(octets);
  const name = extensions && findServerName(octets, extensions.start, extensions.end);
  if (!name) return { nameOffset: 0, nameBytes: 0, sniExtOffset: 0, complete };
  const { nameOffset, nameBytes } = name;
  const first = joined.placeOf(nameOffset);
  const isWhole = joined.placeOf(nameOffset + nameBytes - 1) - first === nameBytes - 1;
  return {
    serverName: latin1Of(octets.subarray(nameOffset, nameOffset + nameBytes)),
    nameOffset: isWhole ? first : 0,
    nameBytes,
    sniExtOffset: joined.placeOf(name.sniExtOffset),
    complete,
  };
}

/** The extension list as far as it lies in the record. */
function findExtensions(record: Uint8Array): { readonly start: number; readonly end: number } | undefined {
  let at = SESSION_ID_AT;
  if (at + 1 > record.length) return undefined;
  at += 1 + octetAt(record, at);
  if (at + 2 > record.length) return undefined;
  at += 2 + be16(record, at);
  if (at + 1 > record.length) return undefined;
  at += 1 + octetAt(record, at);
  if (at + 2 > record.length) return undefined;
  const start = at + 2;
  return { start, end: Math.min(record.length, start + be16(record, at)) };
}

type NamePlace = Pick<ReadHello, "nameOffset" | "nameBytes" | "sniExtOffset">;

function findServerName(record: Uint8Array, start: number, end: number): NamePlace | undefined {
  let at = start;
  for (let seen = 0; seen < TLS_EXTENSIONS_MAX && at + 4 <= end; seen += 1) {
    const data = at + 4;
    const dataBytes = be16(record, at + 2);
    if (be16(record, at) === 0) return nameOf(record, data, Math.min(end, data + dataBytes));
    at = data + dataBytes;
  }
  return undefined;
}

/** List length 2, entry type 1, name length 2, name: all of it within the extension. */
function nameOf(record: Uint8Array, data: number, end: number): NamePlace | undefined {
  if (data + 5 > end || octetAt(record, data + 2) !== 0) return undefined;
  const nameBytes = be16(record, data + 3);
  const nameOffset = data + 5;
  if (nameBytes === 0 || nameBytes > HOST_MAX_BYTES || nameOffset + nameBytes > end) return undefined;
  return { nameOffset, nameBytes, sniExtOffset: data };
}
