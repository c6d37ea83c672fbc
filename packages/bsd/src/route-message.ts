// Messages of the routing socket, read and written. Source: route(4), net/route.h, net/if.h.
//
//   | header, as the system lays it out | socket address | padding | socket address | …
//
// Which socket addresses follow is told by bits RTA_*, lowest first.
import { DeviceError } from "@bunnel/device";
import type { BsdSystem, NumberAt, RouteLayout } from "./system.ts";

export const RTM_ADD = 1;
export const RTM_DELETE = 2;
export const RTM_CHANGE = 3;
export const RTM_GET = 4;
export const RTM_NEWADDR = 0xc;
export const RTM_DELADDR = 0xd;

export const RTF_UP = 0x1;
export const RTF_GATEWAY = 0x2;
export const RTF_HOST = 0x4;
export const RTF_REJECT = 0x8;
export const RTF_STATIC = 0x800;
export const RTF_BLACKHOLE = 0x1000;

export const RTA_DST = 0x1;
export const RTA_GATEWAY = 0x2;
export const RTA_NETMASK = 0x4;
export const RTA_IFP = 0x10;
export const RTA_IFA = 0x20;
export const RTA_BRD = 0x80;
const RTA_BITS = 16;
/** rtm_inits: the MTU of the message counts. */
const RTV_MTU = 1;

const VERSION_AT = 2;
const TYPE_AT = 3;
/** | length u16 | version | type | */
const FIXED_BYTES = 4;

/** Socket addresses by their RTA_* bit. */
export type AddressMap = ReadonlyMap<number, Uint8Array>;

export interface RouteMessage {
  readonly type: number;
  readonly flags: number;
  /** In the order of their bits, lowest first. */
  readonly addresses: readonly (readonly [bit: number, octets: Uint8Array])[];
  readonly sequence: number;
  /** 0: that of the interface. */
  readonly mtuBytes?: number;
  readonly index?: number;
}

function setNumber(view: DataView, { at, bytes }: NumberAt, value: number): void {
  if (bytes === 8) view.setBigUint64(at, BigInt(value), true);
  else view.setUint32(at, value, true);
}

export function numberAt(octets: Uint8Array, { at, bytes }: NumberAt): number {
  const view = viewOf(octets);
  return bytes === 8 ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true);
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}

/** An address of no octets takes one unit. */
function padded({ align }: RouteLayout, bytes: number): number {
  return bytes === 0 ? align : Math.ceil(bytes / align) * align;
}

export function encodeRoute({ route }: BsdSystem, message: RouteMessage): Uint8Array {
  const { addresses, mtuBytes = 0 } = message;
  const length = addresses.reduce((sum, [, octets]) => sum + padded(route, octets.length), route.bytes);
  const octets = new Uint8Array(new ArrayBuffer(length));
  const view = viewOf(octets);
  view.setUint16(0, length, true);
  octets[VERSION_AT] = route.version;
  octets[TYPE_AT] = message.type;
  if (route.headerBytesAt !== undefined) view.setUint16(route.headerBytesAt, route.bytes, true);
  view.setUint16(route.indexAt, message.index ?? 0, true);
  view.setInt32(route.flagsAt, message.flags, true);
  view.setInt32(route.sequenceAt, message.sequence, true);
  if (mtuBytes > 0) {
    setNumber(view, route.inits, RTV_MTU);
    setNumber(view, route.mtu, mtuBytes);
  }
  let at = route.bytes;
  let bits = 0;
  for (const [bit, address] of addresses) {
    if (bit <= bits) throw new RangeError(`address ${bit}: expected bits in rising order, found one behind`);
    bits |= bit;
    octets.set(address, at);
    at += padded(route, address.length);
  }
  view.setInt32(route.addressesAt, bits, true);
  return octets;
}

/** One message of a buffer, its header not yet looked at. */
export interface RawMessage {
  readonly type: number;
  readonly octets: Uint8Array;
}

/**
 * The messages of a buffer, in order. Those of another version are passed over, for their layout is not known.
 * @throws DeviceError E_DEVICE_SYSTEM when the buffer ends inside a message
 */
export function splitMessages({ route }: BsdSystem, buffer: Uint8Array): RawMessage[] {
  const messages: RawMessage[] = [];
  for (let at = 0; at < buffer.length;) {
    const length = at + FIXED_BYTES <= buffer.length ? viewOf(buffer).getUint16(at, true) : 0;
    if (length < FIXED_BYTES || at + length > buffer.length) {
      const found = `found ${length} of ${buffer.length - at}`;
      throw new DeviceError("E_DEVICE_SYSTEM", `routing message: expected its octets in the buffer, ${found}`);
    }
    const octets = buffer.subarray(at, at + length);
    if (octets[VERSION_AT] === route.version) messages.push({ type: octets[TYPE_AT] ?? 0, octets });
    at += length;
  }
  return messages;
}

/** The socket addresses behind a header of `headerBytes`; what is cut off is not there. */
export function addressesOf(system: BsdSystem, octets: Uint8Array, headerBytes: number, bits: number): AddressMap {
  const { route } = system;
  const addresses = new Map<number, Uint8Array>();
  const start = route.headerBytesAt === undefined ? headerBytes : viewOf(octets).getUint16(route.headerBytesAt, true);
  let at = start;
  for (let i = 0; i < RTA_BITS && at < octets.length; i++) {
    if ((bits & (1 << i)) === 0) continue;
    const length = octets[at] ?? 0;
    addresses.set(1 << i, octets.subarray(at, Math.min(at + length, octets.length)));
    at += padded(route, length);
  }
  return addresses;
}

export interface ReadRoute {
  readonly type: number;
  readonly index: number;
  readonly flags: number;
  readonly sequence: number;
  readonly errno: number;
  readonly mtuBytes: number;
  readonly addresses: AddressMap;
}

/** A message about a route; undefined when it is shorter than its header. */
export function readRoute(system: BsdSystem, { type, octets }: RawMessage): ReadRoute | undefined {
  const { route } = system;
  if (octets.length < route.bytes) return undefined;
  const view = viewOf(octets);
  return {
    type,
    index: view.getUint16(route.indexAt, true),
    flags: view.getInt32(route.flagsAt, true),
    sequence: view.getInt32(route.sequenceAt, true),
    errno: view.getInt32(route.errnoAt, true),
    mtuBytes: numberAt(octets, route.mtu),
    addresses: addressesOf(system, octets, route.bytes, view.getInt32(route.addressesAt, true)),
  };
}
