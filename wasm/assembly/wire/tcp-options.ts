// TCP options (RFC 9293 section 3.2): kind, and except for the first two a length that counts both of these octets.
import { TCP_HEADER_BYTES } from "./tcp";

const END: u32 = 0;
const NOP: u32 = 1;
export const OPTION_MSS: u32 = 2;
export const OPTION_WINDOW_SCALE: u32 = 3;
export const OPTION_TIMESTAMPS: u32 = 8;
export const OPTION_MD5: u32 = 19;
export const MD5_OPTION_BYTES: i32 = 18;
/** Options of one header that are looked at: 40 octets hold no more. */
const OPTIONS_MAX: i32 = 40;

/** Where the option of this kind and length starts in a header of `headerBytes` octets; 0: it has none. */
export function findOption(tcp: usize, headerBytes: i32, kind: u32, bytes: i32): usize {
  const end = tcp + <usize>headerBytes;
  let p = tcp + TCP_HEADER_BYTES;
  for (let i = 0; i < OPTIONS_MAX && p < end; i++) {
    const found = load<u8>(p);
    if (found == END) return 0;
    if (found == NOP) {
      p++;
      continue;
    }
    if (p + 2 > end) return 0;
    const length = load<u8>(p, 1);
    if (length < 2 || p + length > end) return 0;
    if (found == kind) return length == bytes ? p : 0;
    p += length;
  }
  return 0;
}

/** Puts an unsigned MD5 signature (RFC 2385) with two NOPs before it at `at`: twenty octets. */
export function writeMd5Option(at: usize): void {
  store<u8>(at, <u8>NOP);
  store<u8>(at, <u8>NOP, 1);
  store<u8>(at, <u8>OPTION_MD5, 2);
  store<u8>(at, <u8>MD5_OPTION_BYTES, 3);
  memory.fill(at + 4, 0, MD5_OPTION_BYTES - 2);
}
