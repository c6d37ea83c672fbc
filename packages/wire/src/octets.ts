// Numbers in network byte order. A read or write outside is a fault of this codec and never goes unseen.
import { WireError } from "./errors.ts";

/** @throws WireError E_WIRE_READ when `at` lies outside */
export function octetAt(octets: Uint8Array, at: number): number {
  const value = octets[at];
  if (value === undefined) throw new WireError("E_WIRE_READ", `octet ${at} lies outside of ${octets.length} octets`);
  return value;
}

export function be16(octets: Uint8Array, at: number): number {
  return octetAt(octets, at) * 0x100 + octetAt(octets, at + 1);
}

export function be24(octets: Uint8Array, at: number): number {
  return octetAt(octets, at) * 0x10000 + be16(octets, at + 1);
}

export function be32(octets: Uint8Array, at: number): number {
  return be16(octets, at) * 0x10000 + be16(octets, at + 2);
}

export function setOctet(octets: Uint8Array, at: number, value: number): void {
  if (at < 0 || at >= octets.length) {
    throw new WireError("E_WIRE_READ", `octet ${at} lies outside of ${octets.length} octets`);
  }
  octets[at] = value;
}

export function setBe16(octets: Uint8Array, at: number, value: number): void {
  setOctet(octets, at, (value >>> 8) & 0xff);
  setOctet(octets, at + 1, value & 0xff);
}

export function setBe32(octets: Uint8Array, at: number, value: number): void {
  setBe16(octets, at, value >>> 16);
  setBe16(octets, at + 2, value & 0xffff);
}

/** Two octets, high first. */
export function word(value: number): Uint8Array {
  return Uint8Array.of((value >>> 8) & 0xff, value & 0xff);
}

/** All parts in one new array; a number stands for one octet. */
export function concat(...parts: readonly (Uint8Array | number)[]): Uint8Array {
  return joined(parts);
}

/** The same for any number of parts: more than fit into one call. */
export function joined(parts: readonly (Uint8Array | number)[]): Uint8Array {
  let bytes = 0;
  for (const part of parts) bytes += typeof part === "number" ? 1 : part.length;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    if (typeof part === "number") {
      whole[at] = part;
      at += 1;
    } else {
      whole.set(part, at);
      at += part.length;
    }
  }
  return whole;
}

/** The same octets with zeros behind them, up to a multiple of `unit`. */
export function zeroPadded(octets: Uint8Array, unit: number): Uint8Array {
  const padded = new Uint8Array(Math.ceil(octets.length / unit) * unit);
  padded.set(octets);
  return padded;
}

/** Octets whose characters are made in one call; engines limit the arguments of a call. */
const CALL_OCTETS = 4096;

/** One character per octet, so that no octet is lost. */
export function latin1Of(octets: Uint8Array): string {
  let text = "";
  for (let at = 0; at < octets.length; at += CALL_OCTETS) {
    text += String.fromCharCode(...octets.subarray(at, at + CALL_OCTETS));
  }
  return text;
}

/**
 * One octet per character.
 * @throws WireError E_WIRE_FIELD when a character is above U+00FF
 */
export function octetsOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code <= 0xff) return code;
    throw new WireError("E_WIRE_FIELD", `text must have characters of one octet, found ${JSON.stringify(character)}`);
  });
}
