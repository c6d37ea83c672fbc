// GUIDs as text and as Windows keeps them (guiddef.h): the first three parts are little-endian numbers.
import { createHash } from "node:crypto";
import { DeviceError } from "@bunnel/device";

const TEXT = /^\{?([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})\}?$/i;
/** Octets of the parts that are numbers. */
const NUMBERS = [4, 2, 2];

/**
 * The 16 octets of "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}", with or without the braces.
 * @throws DeviceError E_DEVICE_OPTION when the text is no GUID
 */
export function parseGuid(text: string): Uint8Array<ArrayBuffer> {
  const parts = TEXT.exec(text);
  if (!parts) throw new DeviceError("E_DEVICE_OPTION", `GUID: expected 8-4-4-4-12 hexadecimal digits, found "${text}"`);
  return turned(Uint8Array.from(Buffer.from(parts.slice(1).join(""), "hex")));
}

/** With braces, in small letters. */
export function formatGuid(octets: Uint8Array): string {
  const hex = Buffer.from(turned(octets)).toString("hex");
  return `{${[hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")}}`;
}

/**
 * The GUID that an adapter of this name gets: the same each time, so that Windows finds the profile of the last one
 * again instead of adding "name 2", "name 3"… for ever. Made as RFC 9562 section 5.3 (version 3) says.
 */
export function guidOfName(name: string): string {
  const hash = createHash("md5").update(`bunnel adapter ${name}`).digest();
  const octets = Uint8Array.from(hash);
  octets[6] = ((octets[6] ?? 0) & 0x0f) | 0x30;
  octets[8] = ((octets[8] ?? 0) & 0x3f) | 0x80;
  return formatGuid(turned(octets));
}

/** Between the order of the text and the order in memory; the way back is the same. */
function turned(octets: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = Uint8Array.from(octets);
  let at = 0;
  for (const bytes of NUMBERS) {
    result.subarray(at, at + bytes).reverse();
    at += bytes;
  }
  return result;
}
