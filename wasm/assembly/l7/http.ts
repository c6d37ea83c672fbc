// The HTTP/1 request line and its Host header (RFC 9112 section 3, RFC 9110 section 7.2).
import { HOST_MAX_BYTES, HTTP_SEARCH_MAX_BYTES } from "@bunnel/abi/src/index";
import { Message } from "./message";

const LF: u32 = 10;
const CR: u32 = 13;
const SPACE: u32 = 32;
const TAB: u32 = 9;
const COLON: u32 = 58;
const BRACKET: u32 = 91;
// Words as they lie in memory: little-endian.
const GET_: u32 = 0x20544547;
const POST: u32 = 0x54534f50;
const HEAD: u32 = 0x44414548;
const PUT_: u32 = 0x20545550;
const DELE: u32 = 0x454c4544;
const OPTI: u32 = 0x4954504f;
const PATC: u32 = 0x43544150;
const CONN: u32 = 0x4e4e4f43;
const TRAC: u32 = 0x43415254;
const LOWER: u32 = 0x20202020;
const HOST_WORD: u32 = 0x74736f68;

/** True for the start of a request; the host's place is filled in when it can be read. */
export function readHttpRequest(at: usize, bytes: i32, message: Message): bool {
  if (!isMethod(at, bytes)) return false;
  const end = at + <usize>min<i32>(bytes, HTTP_SEARCH_MAX_BYTES);
  for (let p = nextLine(at, end); p != 0 && p + 5 <= end; p = nextLine(p, end)) {
    const first = load<u8>(p);
    if (first == CR || first == LF) return true;
    if ((load<u32>(p) | LOWER) == HOST_WORD && load<u8>(p, 4) == COLON) {
      readHost(at, p + 5, end, message);
      return true;
    }
  }
  return true;
}

/** A method that we know, with the space behind it. */
function isMethod(at: usize, bytes: i32): bool {
  if (bytes < 8) return false;
  const word = load<u32>(at);
  if (word == GET_ || word == PUT_) return true;
  if (word == POST || word == HEAD) return load<u8>(at, 4) == SPACE;
  const next = load<u32>(at, 4);
  if (word == DELE) return (next & 0xffffff) == 0x204554; // "TE "
  if (word == OPTI) return next == 0x20534e4f; // "ONS "
  if (word == PATC) return (next & 0xffff) == 0x2048; // "H "
  if (word == CONN) return next == 0x20544345; // "ECT "
  if (word == TRAC) return (next & 0xffff) == 0x2045; // "E "
  return false;
}

/** The octet behind the next line feed; 0: none. */
function nextLine(from: usize, end: usize): usize {
  let p = from;
  if (ASC_FEATURE_SIMD) {
    const feeds = i8x16.splat(10);
    for (; p + 16 <= end; p += 16) {
      const found = i8x16.bitmask(i8x16.eq(v128.load(p), feeds));
      if (found != 0) return p + ctz(found) + 1;
    }
  }
  for (; p < end; p++) {
    if (load<u8>(p) == LF) return p + 1;
  }
  return 0;
}

/** The value behind `Host:` without white space around it and without a port. */
function readHost(at: usize, from: usize, end: usize, message: Message): void {
  let p = from;
  while (p < end && (load<u8>(p) == SPACE || load<u8>(p) == TAB)) p++;
  const start = p;
  while (p < end && load<u8>(p) != CR && load<u8>(p) != LF) p++;
  if (p >= end || p == start || load<u8>(start) == BRACKET) return;
  let stop = start;
  while (stop < p && load<u8>(stop) != COLON) stop++;
  while (stop > start && (load<u8>(stop - 1) == SPACE || load<u8>(stop - 1) == TAB)) stop--;
  const bytes = <i32>(stop - start);
  if (bytes < 1 || bytes > HOST_MAX_BYTES) return;
  message.setHost(<i32>(start - at), bytes);
}
