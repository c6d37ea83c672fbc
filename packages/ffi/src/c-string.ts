// Text as C keeps it: octets up to a NUL.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The UTF-8 octets of a text and a NUL behind them.
 * @throws RangeError when the text itself contains a NUL: C would read only the part before it
 */
export function cString(text: string): Uint8Array {
  if (text.includes("\0")) throw new RangeError(`C string: expected no NUL, found one at ${text.indexOf("\0")}`);
  const octets = encoder.encode(text);
  const string = new Uint8Array(octets.length + 1);
  string.set(octets);
  return string;
}

/** The text in front of the first NUL, or all of it where there is none. */
export function fromCString(octets: Uint8Array): string {
  const end = octets.indexOf(0);
  return decoder.decode(end < 0 ? octets : octets.subarray(0, end));
}
