// Octets that look random and are the same for the same seed: xorshift32 (Marsaglia 2003).

/** The next state; never 0 for a state that is not 0. */
export function nextRandom(state: u32): u32 {
  let x = state;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  return x;
}

/** A seed from a flow's hash and a number, never 0. */
export function seedOf(hash: u64, number: u32): u32 {
  const seed = <u32>hash ^ <u32>(hash >>> 32) ^ (number * 0x9e3779b1);
  return seed == 0 ? 1 : seed;
}

/** Fills octets from the seed. */
export function fillRandom(at: usize, bytes: i32, seed: u32): void {
  let state = seed;
  for (let i = 0; i < bytes; i++) {
    state = nextRandom(state);
    store<u8>(at + <usize>i, <u8>(state >>> 24));
  }
}
