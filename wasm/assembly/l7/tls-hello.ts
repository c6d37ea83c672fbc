// The ClientHello (RFC 8446 section 4.1.2) in its record (section 5.1), and the server_name extension (RFC 6066
// section 3).
//
//   record:    | 22 | 3 | minor | length 2 |
//   handshake: | 1 | length 3 | version 2 | random 32 | session id 1+n | cipher suites 2+n | compression 1+n |
//   extension: | extensions length 2 | type 2 | length 2 | …
//   name:      | list length 2 | type 1 | length 2 | name |
import { HOST_MAX_BYTES, LANE_NAME, TLS_EXTENSIONS_MAX } from "@bunnel/abi/src/index";
import { lane } from "../mem/lane";
import { be16 } from "../wire/be";
import { Message } from "./message";
import { isSpread, joinedAt, joinRecords, RECORD_HEADER_BYTES, spreadMissing, spreadOffset } from "./tls-records";

export const CONTENT_HANDSHAKE: u32 = 22;
const CLIENT_HELLO: u32 = 1;
export const EXTENSION_HEADER_BYTES: i32 = 4;
/** A record holds no more (RFC 8446 section 5.1). */
export const RECORD_MAX_BYTES: i32 = 16384;
const SESSION_ID: i32 = 43;
const EXTENSION_SERVER_NAME: u32 = 0;

/** True for the start of a ClientHello; the name's place is filled in when it can be read. */
export function readTlsHello(at: usize, bytes: i32, message: Message): bool {
  if (bytes < 6 || load<u8>(at) != CONTENT_HANDSHAKE || load<u8>(at, 1) != 3 || load<u8>(at, 5) != CLIENT_HELLO) {
    return false;
  }
  if (isSpread(at, bytes)) {
    readSpreadHello(at, bytes, message);
    return true;
  }
  const end = RECORD_HEADER_BYTES + <i32>be16(at, 3);
  message.missing = max<i32>(end - bytes, 0);
  findExtensions(at, min<i32>(bytes, end), message);
  return true;
}

/** A hello in several records: read where it is joined, its landmarks told where they stand in the message. */
function readSpreadHello(at: usize, bytes: i32, message: Message): void {
  const joined = joinRecords(at, bytes);
  const own = joinedAt();
  message.missing = spreadMissing(at, bytes, joined);
  findExtensions(own, joined, message);
  if (message.hostBytes == 0) return;
  const first = spreadOffset(at, bytes, message.hostOffset);
  const last = spreadOffset(at, bytes, message.hostOffset + message.hostBytes - 1);
  message.sniExtOffset = spreadOffset(at, bytes, message.sniExtOffset);
  if (last - first == message.hostBytes - 1) {
    message.setHost(first, message.hostBytes);
    return;
  }
  // A record header stands inside the name: as text it is known, as a place it is not.
  const name = lane + LANE_NAME;
  memory.copy(name, own + <usize>message.hostOffset, message.hostBytes);
  message.hostAt = name;
  message.hostOffset = -1;
}

/** Walks to the extensions as far as there are octets, up to `end`. */
function findExtensions(at: usize, end: i32, message: Message): void {
  let o = SESSION_ID;
  if (o + 1 > end) return;
  o += 1 + <i32>load<u8>(at + <usize>o);
  if (o + 2 > end) return;
  o += 2 + <i32>be16(at, o);
  if (o + 1 > end) return;
  o += 1 + <i32>load<u8>(at + <usize>o);
  if (o + 2 > end) return;
  findServerName(at, o + 2, min<i32>(end, o + 2 + <i32>be16(at, o)), message);
}

function findServerName(at: usize, from: i32, end: i32, message: Message): void {
  let o = from;
  for (let i = 0; i < TLS_EXTENSIONS_MAX && o + 4 <= end; i++) {
    const type = be16(at, o);
    const length = <i32>be16(at, o + 2);
    o += 4;
    if (type != EXTENSION_SERVER_NAME) {
      o += length;
      continue;
    }
    if (length < 5 || o + 5 > end || load<u8>(at + <usize>(o + 2)) != 0) return;
    const name = <i32>be16(at, o + 3);
    if (name < 1 || name > HOST_MAX_BYTES || o + 5 + name > end || 5 + name > length) return;
    message.sniExtOffset = o;
    message.setHost(o + 5, name);
    return;
  }
}
