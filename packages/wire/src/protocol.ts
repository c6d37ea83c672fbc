// Numbers of the headers: IANA protocol numbers, and the TCP flags of RFC 9293 section 3.1.
import { checkedField, WireError } from "./errors.ts";

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;

export const HEADER_HOP_BY_HOP = 0;
export const HEADER_ROUTING = 43;
export const HEADER_FRAGMENT = 44;
export const HEADER_AUTHENTICATION = 51;
export const HEADER_DESTINATION = 60;
export const HEADER_MOBILITY = 135;
export const HEADER_HIP = 139;
export const HEADER_SHIM6 = 140;

export const IPV4_HEADER_BYTES = 20;
export const IPV6_HEADER_BYTES = 40;
export const TCP_HEADER_BYTES = 20;
export const UDP_HEADER_BYTES = 8;
export const ICMP_HEADER_BYTES = 8;
/** Where the checksum lies in the transport header. */
export const TCP_CHECKSUM_OFFSET = 16;
export const UDP_CHECKSUM_OFFSET = 6;
export const ICMP_CHECKSUM_OFFSET = 2;

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_URG = 0x20;
export const TCP_ECE = 0x40;
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
