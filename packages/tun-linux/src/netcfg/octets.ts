// Numbers and texts in the octets of an attribute. Too short an attribute reads as undefined: the kernel may leave
// things out.
import { fromCString } from "@bunnel/ffi";
import { formatAddress } from "./address-text.ts";

export type Attributes = ReadonlyMap<number, Uint8Array>;

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}

export function u8Of(attributes: Attributes, type: number): number | undefined {
  return attributes.get(type)?.[0];
}

export function u16Of(attributes: Attributes, type: number): number | undefined {
  const octets = attributes.get(type);
  return octets && octets.length >= 2 ? viewOf(octets).getUint16(0, true) : undefined;
}

export function be16Of(attributes: Attributes, type: number): number | undefined {
  const octets = attributes.get(type);
  return octets && octets.length >= 2 ? viewOf(octets).getUint16(0) : undefined;
}

export function u32Of(attributes: Attributes, type: number): number | undefined {
  const octets = attributes.get(type);
  return octets && octets.length >= 4 ? viewOf(octets).getUint32(0, true) : undefined;
}

export function i32Of(attributes: Attributes, type: number): number | undefined {
  const value = u32Of(attributes, type);
  return value === undefined ? undefined : value | 0;
}

/** A text up to its NUL. */
export function textOf(attributes: Attributes, type: number): string | undefined {
  const octets = attributes.get(type);
  return octets && fromCString(octets);
}

/** The octets of an IP address, undefined when it has neither 4 nor 16. */
export function ipOf(attributes: Attributes, type: number): Uint8Array | undefined {
  const octets = attributes.get(type);
  return octets && (octets.length === 4 || octets.length === 16) ? octets : undefined;
}

/** The same as text. */
export function ipTextOf(attributes: Attributes, type: number): string | undefined {
  const octets = ipOf(attributes, type);
  return octets && formatAddress(octets);
}

/** The entries that are not undefined: an absent thing is left out, as exactOptionalPropertyTypes wants it. */
export function defined<T extends Readonly<Record<string, unknown>>>(
  values: T,
): { -readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { -readonly [K in keyof T]?: Exclude<T[K], undefined> };
}

/** A family's fixed header from a list of (width in octets, value). */
export function header(...fields: readonly (readonly [width: 1 | 2 | 4, value: number])[]): Uint8Array {
  const octets = new Uint8Array(fields.reduce((sum, [width]) => sum + width, 0));
  const view = viewOf(octets);
  let at = 0;
  for (const [width, value] of fields) {
    if (width === 1) view.setUint8(at, value);
    else if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value >>> 0, true);
    at += width;
  }
  return octets;
}

export function u8At(octets: Uint8Array, at: number): number {
  return octets[at] ?? 0;
}

/** The caller has seen that the octets reach that far. */
export function u16At(octets: Uint8Array, at: number): number {
  return viewOf(octets).getUint16(at, true);
}

/** The caller has seen that the octets reach that far. */
export function u32At(octets: Uint8Array, at: number): number {
  return viewOf(octets).getUint32(at, true);
}

/** The caller has seen that the octets reach that far. Exact up to 2^53. */
export function u64At(octets: Uint8Array, at: number): number {
  return Number(viewOf(octets).getBigUint64(at, true));
}

/** AF_INET and AF_INET6 of sys/socket.h. */
const AF_INET = 2;
const AF_INET6 = 10;

export function systemFamily(family: 4 | 6): number {
  return family === 4 ? AF_INET : AF_INET6;
}

/** 4 or 6; undefined for families that are not IP. */
export function familyOf(number: number): 4 | 6 | undefined {
  if (number === AF_INET) return 4;
  return number === AF_INET6 ? 6 : undefined;
}

/** Types of attributes that nobody reads; undefined: all are read. */
export function unreadOf(attributes: Attributes, read: ReadonlySet<number>): number[] | undefined {
  const unread = [...attributes.keys()].filter((type) => !read.has(type));
  return unread.length > 0 ? unread : undefined;
}
