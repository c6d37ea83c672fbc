// A ClientHello in several records (RFC 8446 section 5.1): the octets between the record headers, joined for reading.
//
//   | header 5 | handshake … | header 5 | handshake … |   →   | header 5 | handshake … |
import { LANE_SCRATCH, TLS_HELLO_MAX_BYTES, TLS_RECORDS_MAX } from "@bunnel/abi/src/index";
import { lane } from "../mem/lane";
import { be16, be24 } from "../wire/be";

export const RECORD_HEADER_BYTES: i32 = 5;
const HANDSHAKE_HEADER_BYTES: i32 = 4;
const CONTENT_HANDSHAKE: u32 = 22;

/** Whether the handshake message that starts in the first record goes on in a second one. */
export function isSpread(at: usize, bytes: i32): bool {
  if (bytes < RECORD_HEADER_BYTES + HANDSHAKE_HEADER_BYTES) return false;
  const record = <i32>be16(at, 3);
  return record < HANDSHAKE_HEADER_BYTES || HANDSHAKE_HEADER_BYTES + <i32>be24(at, 6) > record;
}

/** Octets of the handshake message, as the joined octets say; before its header is there, those of the header. */
function wantedBytes(joined: i32): i32 {
  if (joined < HANDSHAKE_HEADER_BYTES) return HANDSHAKE_HEADER_BYTES;
  return HANDSHAKE_HEADER_BYTES + <i32>be24(joinedAt(), RECORD_HEADER_BYTES + 1);
}

/** Where the joined hello lies. */
export function joinedAt(): usize {
  return lane + LANE_SCRATCH;
}

/** Joins what is there of the hello; returns its octets, with one record header before them. */
export function joinRecords(at: usize, bytes: i32): i32 {
  const to = joinedAt();
  memory.copy(to, at, RECORD_HEADER_BYTES);
  let joined = 0;
  let o = 0;
  for (let i = 0; i < TLS_RECORDS_MAX && joined < wantedBytes(joined); i++) {
    if (!isRecord(at, o, bytes)) break;
    const there = min<i32>(<i32>be16(at, o + 3), bytes - o - RECORD_HEADER_BYTES);
    const size = min<i32>(there, TLS_HELLO_MAX_BYTES - joined);
    memory.copy(to + <usize>(RECORD_HEADER_BYTES + joined), at + <usize>(o + RECORD_HEADER_BYTES), size);
    joined += size;
    o += RECORD_HEADER_BYTES + <i32>be16(at, o + 3);
  }
  return RECORD_HEADER_BYTES + joined;
}

function isRecord(at: usize, o: i32, bytes: i32): bool {
  if (o + RECORD_HEADER_BYTES > bytes) return false;
  return load<u8>(at + <usize>o) == CONTENT_HANDSHAKE && load<u8>(at + <usize>(o + 1)) == 3;
}

/** Where octet `offset` of the joined hello stands in the message. */
export function spreadOffset(at: usize, bytes: i32, offset: i32): i32 {
  let left = offset - RECORD_HEADER_BYTES;
  let o = 0;
  for (let i = 0; i < TLS_RECORDS_MAX && isRecord(at, o, bytes); i++) {
    const size = <i32>be16(at, o + 3);
    if (left < size) return o + RECORD_HEADER_BYTES + left;
    left -= size;
    o += RECORD_HEADER_BYTES + size;
  }
  return -1;
}

/** Octets of the hello, with its record headers, that are still to come; at least so many. */
export function spreadMissing(at: usize, bytes: i32, joined: i32): i32 {
  const wanted = wantedBytes(joined - RECORD_HEADER_BYTES);
  const left = wanted - (joined - RECORD_HEADER_BYTES);
  if (left <= 0 || wanted > TLS_HELLO_MAX_BYTES) return 0;
  let o = 0;
  for (let i = 0; i < TLS_RECORDS_MAX; i++) {
    // The next record has not begun: its header and the rest are missing.
    if (o + RECORD_HEADER_BYTES > bytes) return o + RECORD_HEADER_BYTES + left - bytes;
    if (!isRecord(at, o, bytes)) return 0;
    const end = o + RECORD_HEADER_BYTES + <i32>be16(at, o + 3);
    if (end > bytes) return end - bytes;
    o = end;
  }
  return 0;
}
