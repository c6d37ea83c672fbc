// Octets joined and shown as text.
import { octetsToFill } from "./lent-octets.ts";

/** All parts, one behind the other, in a new array. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return laidInto(new Uint8Array(bytesOf(parts)), parts);
}

/** The same, lent where that may be: for what does not outlive its connection. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return laidInto(octetsToFill(bytesOf(parts)), parts);
}

function bytesOf(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes;
}

function laidInto(whole: Uint8Array<ArrayBuffer>, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** One character for each octet, so that text is found wherever it stands. */
export function latin1(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("latin1");
}
