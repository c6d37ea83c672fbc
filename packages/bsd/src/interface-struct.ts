// Requests to an interface by name, as octets. Sources: net/if.h, netinet/in_var.h, netinet6/in6_var.h.
//
//   ifreq         | name 16 | flags i16, or mtu i32, or a socket address, or a pointer … |
//   ifaliasreq    | name 16 | address 16 | destination or broadcast 16 | mask 16 | FreeBSD: vhid i32 |
//   in6_aliasreq  | name 16 | address 28 | destination 28 | mask 28 | flags i32 | lifetimes 24 | FreeBSD: vhid i32 |
//   in6_ifreq     | name 16 | address 28 … |
import { DeviceError } from "@bunnel/device";
import { addressOf } from "@bunnel/ffi";
import { inetAddress, SOCKADDR_IN_BYTES, SOCKADDR_IN6_BYTES } from "./socket-address.ts";
import { IFNAMSIZ, NAME_MAX_BYTES, type BsdSystem } from "./system.ts";

/** Where the part behind the name begins. */
export const VALUE_AT = IFNAMSIZ;
const DESTINATION_AT = VALUE_AT + SOCKADDR_IN_BYTES;
const MASK_AT = DESTINATION_AT + SOCKADDR_IN_BYTES;
const DESTINATION6_AT = VALUE_AT + SOCKADDR_IN6_BYTES;
const MASK6_AT = DESTINATION6_AT + SOCKADDR_IN6_BYTES;
const FLAGS6_AT = MASK6_AT + SOCKADDR_IN6_BYTES;
/** | expire i64 | preferred i64 | valid u32 | preferred u32 |; eight octets wide, so aligned to eight. */
const LIFETIMES_AT = 104;
const VALID_AT = LIFETIMES_AT + 16;
const PREFERRED_AT = LIFETIMES_AT + 20;
/** netinet6/in6_var.h: no search for a duplicate. Not 0x100, which is another flag on FreeBSD. */
export const IN6_IFF_NODAD = 0x20;
/** netinet6/nd6.h */
export const ND6_INFINITE_LIFETIME = 0xffff_ffff;

const encoder = new TextEncoder();

function named(name: string, bytes: number): Uint8Array<ArrayBuffer> {
  const text = encoder.encode(name);
  if (text.length === 0 || text.length > NAME_MAX_BYTES || text.includes(0)) {
    const expected = `expected 1 to ${NAME_MAX_BYTES} octets`;
    throw new DeviceError("E_DEVICE_OPTION", `interface name: ${expected}, found "${name}"`);
  }
  const octets = new Uint8Array(new ArrayBuffer(bytes));
  octets.set(text);
  return octets;
}

/** A request that names the interface only. */
export function interfaceRequest(system: BsdSystem, name: string): Uint8Array<ArrayBuffer> {
  return named(name, system.layout.requestBytes);
}

export function mtuRequest(system: BsdSystem, name: string, mtuBytes: number): Uint8Array {
  const octets = interfaceRequest(system, name);
  new DataView(octets.buffer).setInt32(VALUE_AT, mtuBytes, true);
  return octets;
}

/** @param flags IFF_*; FreeBSD keeps those above 16 bits behind the others, elsewhere there are none */
export function flagsRequest(system: BsdSystem, name: string, flags: number): Uint8Array {
  const octets = interfaceRequest(system, name);
  new DataView(octets.buffer).setUint16(VALUE_AT, flags & 0xffff, true);
  if (flags > 0xffff) new DataView(octets.buffer).setUint16(VALUE_AT + 2, flags >>> 16, true);
  return octets;
}

/** | length u8 | family AF_LINK | six octets | */
export function macRequest(system: BsdSystem, name: string, mac: Uint8Array): Uint8Array {
  const octets = interfaceRequest(system, name);
  octets[VALUE_AT] = mac.length;
  octets[VALUE_AT + 1] = system.AF_LINK;
  octets.set(mac, VALUE_AT + 2);
  return octets;
}

/** A request that holds the address of memory, which the caller keeps referenced until the call has ended. */
export function pointerRequest(system: BsdSystem, name: string, memory: Uint8Array): Uint8Array {
  const octets = interfaceRequest(system, name);
  new DataView(octets.buffer).setBigUint64(VALUE_AT, BigInt(addressOf(memory)), true);
  return octets;
}

/** The address of an interface, for its removal. */
export function addressRequest(system: BsdSystem, name: string, address: Uint8Array): Uint8Array {
  const { requestBytes, request6Bytes } = system.layout;
  const octets = named(name, address.length === 16 ? request6Bytes : requestBytes);
  octets.set(inetAddress(system, address), VALUE_AT);
  return octets;
}

export interface Alias {
  /** 4 or 16 octets, and so are the others. */
  readonly address: Uint8Array;
  /** The other end, or the broadcast address; left out: none. */
  readonly destination?: Uint8Array;
  readonly mask: Uint8Array;
}

export function aliasRequest(system: BsdSystem, name: string, alias: Alias): Uint8Array {
  return alias.address.length === 16 ? alias6(system, name, alias) : alias4(system, name, alias);
}

function alias4(system: BsdSystem, name: string, { address, destination, mask }: Alias): Uint8Array {
  const octets = named(name, system.layout.aliasBytes);
  octets.set(inetAddress(system, address), VALUE_AT);
  if (destination) octets.set(inetAddress(system, destination), DESTINATION_AT);
  octets.set(inetAddress(system, mask), MASK_AT);
  return octets;
}

function alias6(system: BsdSystem, name: string, { address, destination, mask }: Alias): Uint8Array {
  const octets = named(name, system.layout.alias6Bytes);
  octets.set(inetAddress(system, address), VALUE_AT);
  if (destination) octets.set(inetAddress(system, destination), DESTINATION6_AT);
  octets.set(inetAddress(system, mask), MASK6_AT);
  const view = new DataView(octets.buffer);
  view.setInt32(FLAGS6_AT, IN6_IFF_NODAD, true);
  view.setUint32(VALID_AT, ND6_INFINITE_LIFETIME, true);
  view.setUint32(PREFERRED_AT, ND6_INFINITE_LIFETIME, true);
  return octets;
}
