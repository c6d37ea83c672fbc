// One packet in several pieces.

/** Spreads octets over `parts` in order; what has no room is left out. Gives how many were copied. */
export function scatter(octets: Uint8Array, parts: readonly Uint8Array[]): number {
  let copied = 0;
  for (const part of parts) {
    const piece = octets.subarray(copied, copied + part.length);
    part.set(piece);
    copied += piece.length;
  }
  return copied;
}

/** What the parts are together. */
export function gather(parts: readonly Uint8Array[]): Uint8Array {
  const octets = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    octets.set(part, at);
    at += part.length;
  }
  return octets;
}
