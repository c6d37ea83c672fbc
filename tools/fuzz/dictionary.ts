// Octets that protocols give a meaning to: chance alone would seldom write them.
import { HTTP_METHODS } from "@bunnel/wire";

const text = (word: string): Uint8Array => new TextEncoder().encode(word);

/** Tokens that mutations write into packets. */
export const DICTIONARY: readonly Uint8Array[] = [
  ...HTTP_METHODS.map((method) => text(`${method} `)),
  ...["\r\n", "\n", "\r\n\r\n", "Host: ", "\r\nhost:", "User-Agent: ", " HTTP/1.1\r\n", ":443", "[2001:db8::1]"].map(
    text,
  ),
  ...["example.org", "www.example.org", ".", "co.uk"].map(text),
  // TLS (RFC 8446): a handshake record, a ClientHello, server_name, key_share, padding.
  ...["160301", "160303ffff", "010000", "0303", "0000000e000c000009", "0033", "0015", "00000000", "ffff"].map(hex),
  // QUIC (RFC 9000, RFC 9369): Initials of both versions; DNS: a query with one question.
  ...["c000000001", "d06b3343cf", "01000001000000000000", "00010001"].map(hex),
  // TCP options: MSS, window scale, SACK permitted, time stamps, MD5, end, none.
  ...["020405b4", "030307", "0402", "080a0000000000000000", "13120000", "00", "01010101", "0500"].map(hex),
  // IPv4 and IPv6: first octets, fragments, next headers.
  ...[
    "4500",
    "4f00",
    "46",
    "60000000",
    "2000",
    "4000",
    "1fff",
    "2c",
    "00",
    "2b",
    "3c",
    "33",
    "87",
    "06",
    "11",
    "3a",
  ].map(hex),
];

/** Values at the edges of what a length or a counter can hold. */
export const EDGES: readonly number[] = [0, 1, 2, 4, 5, 8, 16, 20, 32, 40, 63, 64, 127, 128, 253, 254, 255];

function hex(digits: string): Uint8Array {
  return Uint8Array.fromHex(digits);
}
