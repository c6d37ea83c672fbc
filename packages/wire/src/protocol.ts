// Numbers of the headers: IANA protocol numbers, and the TCP flags of RFC 9293 section 3.1.
import { checkedField, WireError } from "./errors.ts";

/** RFC 792. */
export const PROTOCOL_ICMP = 1;
/** RFC 9293. */
export const PROTOCOL_TCP = 6;
/** RFC 768. */
export const PROTOCOL_UDP = 17;
/** RFC 4443. */
export const PROTOCOL_ICMPV6 = 58;

/** Next header of hop-by-hop options (RFC 8200 section 4.3). */
export const HEADER_HOP_BY_HOP = 0;
/** Next header of a routing header (RFC 8200 section 4.4). */
export const HEADER_ROUTING = 43;
/** Next header of a fragment (RFC 8200 section 4.5). */
export const HEADER_FRAGMENT = 44;
/** Next header of an authentication header (RFC 4302). */
export const HEADER_AUTHENTICATION = 51;
/** Next header of destination options (RFC 8200 section 4.6). */
export const HEADER_DESTINATION = 60;
/** Next header of a mobility header (RFC 6275 section 6.1). */
export const HEADER_MOBILITY = 135;
/** Next header of the Host Identity Protocol (RFC 7401). */
export const HEADER_HIP = 139;
/** Next header of Shim6 (RFC 5533). */
export const HEADER_SHIM6 = 140;

/** Octets without options. */
export const IPV4_HEADER_BYTES = 20;
/** Octets without extension headers. */
export const IPV6_HEADER_BYTES = 40;
/** Octets without options. */
export const TCP_HEADER_BYTES = 20;
/** Always so many. */
export const UDP_HEADER_BYTES = 8;
/** Octets of type, code, checksum and the word behind them. */
export const ICMP_HEADER_BYTES = 8;
/** Where the checksum lies in the transport header. */
export const TCP_CHECKSUM_OFFSET = 16;
/** The same in the UDP header. */
export const UDP_CHECKSUM_OFFSET = 6;
/** The same in the ICMP header, of either family. */
export const ICMP_CHECKSUM_OFFSET = 2;

/** The sender has no more to send. */
export const TCP_FIN = 0x01;
/** A connection begins. */
export const TCP_SYN = 0x02;
/** The connection is over at once. */
export const TCP_RST = 0x04;
/** What came so far goes to the application. */
export const TCP_PSH = 0x08;
/** The acknowledgement number counts. */
export const TCP_ACK = 0x10;
/** The urgent pointer counts. */
export const TCP_URG = 0x20;
/** ECN-Echo (RFC 3168). */
export const TCP_ECE = 0x40;
/** Congestion window reduced (RFC 3168). */
export const TCP_CWR = 0x80;

/** Letter i stands for bit i. */
const FLAG_LETTERS = "FSRPAUEC";

/** `PA`, `SA`, `F`…: one letter a flag, from the lowest bit up; `-` for none. */
export function formatTcpFlags(flags: number): string {
  return (
    Array.from(FLAG_LETTERS)
      .filter((_, bit) => (flags & (1 << bit)) !== 0)
      .join("") || "-"
  );
}

/**
 * The flags of `PA`, `SA`… in any order, `-` or nothing for none; a number is taken as it is.
 * @throws WireError E_WIRE_FIELD
 */
export function parseTcpFlags(flags: string | number): number {
  if (typeof flags === "number") return checkedField("TCP flags", flags, 0xff);
  if (flags === "-") return 0;
  let bits = 0;
  for (const letter of flags) {
    const bit = FLAG_LETTERS.indexOf(letter);
    if (bit < 0) {
      throw new WireError(
        "E_WIRE_FIELD",
        `TCP flags must be letters of ${FLAG_LETTERS}, found ${JSON.stringify(flags)}`,
      );
    }
    bits |= 1 << bit;
  }
  return bits;
}
