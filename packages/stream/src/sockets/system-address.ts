// Socket addresses, from Linux's layout to another system's. They differ in the first two octets alone:
//
//   Linux, Windows   family 2 (little endian) | …       BSD   length 1 | family 1 | …
const AF_INET = 2;

/** How a system lays its addresses out. */
export interface AddressLayout {
  readonly AF_INET6: number;
  readonly hasAddressLength: boolean;
}

/** A copy of an address as the system has it. What it writes itself `readSockaddr` reads in either layout. */
export function toSystemAddress(address: Uint8Array, { AF_INET6, hasAddressLength }: AddressLayout): Uint8Array {
  const family = address[0] === AF_INET ? AF_INET : AF_INET6;
  const [first, second] = hasAddressLength ? [address.length, family] : [family, 0];
  return Uint8Array.of(first, second, ...address.subarray(2));
}
