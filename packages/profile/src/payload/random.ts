// Octets that look random, the same for the same seed: tables that are built twice from one seed are equal.

/** Draws so many octets. */
export type Draw = (bytes: number) => Uint8Array;

/** Marsaglia's xorshift with 32 bits of state, of which the low ones are the weakest and not used. */
export function drawFrom(seed: number): Draw {
  // Zero is the one state that never changes.
  let state = seed >>> 0 || 0x9e3779b9;
  return (bytes) =>
    Uint8Array.from({ length: bytes }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 16) & 0xff;
    });
}
