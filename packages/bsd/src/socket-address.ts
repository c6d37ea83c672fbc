// Socket addresses as macOS and the BSDs keep them: the first octet is the length, the second the family.
//
//   sockaddr_in   16: | len 0 | family 1 | port be16 2 | address 4 | zeros 8 |                      netinet/in.h
//   sockaddr_in6  28: | len 0 | family 1 | port be16 2 | flow 4 | address 8 | scope u32 24 |        netinet6/in6.h
//   sockaddr_dl     : | len 0 | family 1 | index u16 2 | type 4 | name 5, address 6 and selector 7 lengths | data 8 |
import { fromCString } from "@bunnel/ffi";
import { AF_INET, type BsdSystem } from "./system.ts";

export const SOCKADDR_IN_BYTES = 16;
export const SOCKADDR_IN6_BYTES = 28;
const ADDRESS_AT = 4;
const ADDRESS6_AT = 8;
const LINK_INDEX_AT = 2;
const LINK_NAME_BYTES_AT = 5;
const LINK_ADDRESS_BYTES_AT = 6;
const LINK_DATA_AT = 8;

/** An IP address, or a netmask, of 4 or 16 octets. */
export function inetAddress(system: BsdSystem, octets: Uint8Array): Uint8Array {
  const isIpv6 = octets.length === 16;
  const address = new Uint8Array(isIpv6 ? SOCKADDR_IN6_BYTES : SOCKADDR_IN_BYTES);
  address[0] = address.length;
  address[1] = isIpv6 ? system.AF_INET6 : AF_INET;
  address.set(octets, isIpv6 ? ADDRESS6_AT : ADDRESS_AT);
  return address;
}

/** An interface by its index, which as a gateway means: straight out of it. */
export function linkAddress(system: BsdSystem, index: number): Uint8Array {
  const address = new Uint8Array(system.route.linkAddressBytes);
  address[0] = address.length;
  address[1] = system.AF_LINK;
  new DataView(address.buffer).setUint16(LINK_INDEX_AT, index, true);
  return address;
}

/** What a socket address says. */
export type SocketAddress =
  | { readonly kind: "ip"; readonly octets: Uint8Array }
  | { readonly kind: "link"; readonly index: number; readonly name: string; readonly mac: Uint8Array }
  | { readonly kind: "other"; readonly octets: Uint8Array };

/** Reads one; of an address that is cut short, the rest is zero. */
export function readSocketAddress(system: BsdSystem, octets: Uint8Array): SocketAddress {
  const family = octets[1] ?? 0;
  if (family === AF_INET) return { kind: "ip", octets: ipOctets(octets, 4) };
  if (family === system.AF_INET6) return { kind: "ip", octets: withoutScope(ipOctets(octets, 16)) };
  if (family !== system.AF_LINK || octets.length < LINK_DATA_AT) return { kind: "other", octets };
  const nameBytes = octets[LINK_NAME_BYTES_AT] ?? 0;
  const macBytes = octets[LINK_ADDRESS_BYTES_AT] ?? 0;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  return {
    kind: "link",
    index: view.getUint16(LINK_INDEX_AT, true),
    name: fromCString(octets.subarray(LINK_DATA_AT, LINK_DATA_AT + nameBytes)),
    mac: octets.slice(LINK_DATA_AT + nameBytes, LINK_DATA_AT + nameBytes + macBytes),
  };
}

/** A netmask: its family may be missing and its tail cut, so that the address it belongs to tells how long it is. */
export function readMask(octets: Uint8Array, bytes: number): Uint8Array {
  return ipOctets(octets, bytes);
}

function ipOctets(octets: Uint8Array, bytes: number): Uint8Array {
  const address = new Uint8Array(bytes);
  const at = bytes === 16 ? ADDRESS6_AT : ADDRESS_AT;
  address.set(octets.subarray(at, at + bytes));
  return address;
}

/** Inside the system, link-local addresses (fe80::/10) carry the interface's index in their second group. */
function withoutScope(octets: Uint8Array): Uint8Array {
  if (octets[0] === 0xfe && ((octets[1] ?? 0) & 0xc0) === 0x80) octets.fill(0, 2, 4);
  return octets;
}
