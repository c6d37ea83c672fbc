// QUIC long headers (RFC 9000 section 17.2, RFC 9369 section 3): only as much as tells an Initial from the rest.
//
//   | form 1, fixed 1, type 2, … | version 4 | dcid length 1 | dcid | scid length 1 | …
import { be32 } from "../wire/be";

const FORM_AND_FIXED: u32 = 0xc0;
const TYPE: u32 = 0x30;
const VERSION_1: u32 = 1;
const VERSION_2: u32 = 0x6b3343cf;
const INITIAL_V1: u32 = 0;
const INITIAL_V2: u32 = 0x10;
const CONNECTION_ID_MAX: u32 = 20;
/** A client pads the datagram of its first Initial to this (section 14.1); later ones may be shorter. */
const INITIAL_MIN_BYTES: i32 = 30;

/** Whether a datagram with this first octet may start with an Initial. */
export function isLongHeader(first: u32): bool {
  return (first & FORM_AND_FIXED) == FORM_AND_FIXED;
}

/** Whether the datagram starts with an Initial of a version that we know. */
export function isQuicInitial(at: usize, bytes: i32): bool {
  if (bytes < INITIAL_MIN_BYTES) return false;
  const first = load<u8>(at);
  if (!isLongHeader(first) || load<u8>(at, 5) > CONNECTION_ID_MAX) return false;
  const version = be32(at, 1);
  const type = first & TYPE;
  return (version == VERSION_1 && type == INITIAL_V1) || (version == VERSION_2 && type == INITIAL_V2);
}
