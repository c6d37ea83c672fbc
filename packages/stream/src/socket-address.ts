// Socket addresses as Linux has them, and as others write them: sockaddr_in of netinet/in.h, sockaddr_in6 of
// linux/in6.h.
//
//   sockaddr_in    family 2 | port 2 | address 4 | zeros 8
//   sockaddr_in6   family 2 | port 2 | flow 4 | address 16 | scope 4
import { formatAddress, parseAddress, WireError } from "@bunnel/wire";
import type { SocketAddress } from "./relay-options.ts";
import { AF_INET, AF_INET6 } from "./sys.ts";

export const SOCKADDR_MAX_BYTES = 28;
const SOCKADDR_IN_BYTES = 16;
/** ::ffff:0:0/96, an IPv4 address within IPv6 (RFC 4291 section 2.5.5.2). */
const MAPPED_PREFIX = "00000000000000000000ffff";

/** Whether a text is an address: what people type after all may be anything. */
export function isAddress(text: string): boolean {
  try {
    parseAddress(text);
    return true;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

/** AF_INET or AF_INET6. */
export function familyOf(address: string): number {
  return address.includes(":") ? AF_INET6 : AF_INET;
}

/**
 * The sockaddr.
 * @throws WireError when the text is no address
 */
export function sockaddrOf({ address, port }: SocketAddress): Uint8Array {
  const octets = parseAddress(address);
  const isV4 = octets.length === 4;
  const sockaddr = new Uint8Array(isV4 ? SOCKADDR_IN_BYTES : SOCKADDR_MAX_BYTES);
  const view = new DataView(sockaddr.buffer);
  view.setUint16(0, isV4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  sockaddr.set(octets, isV4 ? 4 : 8);
  return sockaddr;
}

/** Address and port of a sockaddr; an IPv4 address within IPv6 is told as IPv4. */
export function readSockaddr(written: Uint8Array): SocketAddress {
  // A copy, because the compiler does not know that a system call has written to the original.
  const sockaddr = written.slice();
  const view = new DataView(sockaddr.buffer, sockaddr.byteOffset, sockaddr.byteLength);
  const port = view.getUint16(2);
  // Where an address begins with its length the family stands behind it; elsewhere that octet is 0.
  if ((sockaddr[1] || sockaddr[0]) === AF_INET) return { address: formatAddress(sockaddr.subarray(4, 8)), port };
  const octets = sockaddr.subarray(8, 24);
  const isMapped = octets.subarray(0, 12).toHex() === MAPPED_PREFIX;
  return { address: formatAddress(isMapped ? octets.subarray(12) : octets), port };
}
