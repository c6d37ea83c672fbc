// Text as Windows keeps it: UTF-16 in little-endian order, up to a NUL.

const decoder = new TextDecoder("utf-16le");

/**
 * The UTF-16 octets of a text and a NUL behind them.
 * @throws RangeError when the text itself contains a NUL: Windows would read only the part before it
 */
export function wideString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new RangeError(`text: expected no NUL, found one at ${text.indexOf("\0")}`);
  const octets = new Uint8Array((text.length + 1) * 2);
  const view = new DataView(octets.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), true);
  return octets;
}

/** The text in front of the first NUL, or all of it where there is none. */
export function fromWideString(octets: Uint8Array): string {
  let end = 0;
  while (end + 1 < octets.length && ((octets[end] ?? 0) | (octets[end + 1] ?? 0)) !== 0) end += 2;
  return decoder.decode(octets.slice(0, end));
}
