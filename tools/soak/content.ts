// The content of large transfers: made as fast as it can be sent, and no block is like another one, so that a lost,
// repeated or exchanged block changes the digest.

const BLOCK_BYTES = 1 << 20;
const SEED_STEP = 0x9e3779b1;

/** The first `bytes` octets of the content of a seed, in blocks; each is valid until the next. */
export function* contentOf(seed: number, bytes: number): Generator<Uint8Array> {
  const words = new Uint32Array(BLOCK_BYTES / 4);
  // xorshift32 (Marsaglia 2003): octets that nothing on the way can guess or compress.
  let state = Math.imul(seed, SEED_STEP) >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  for (let sent = 0; sent < bytes; sent += BLOCK_BYTES) {
    const block = words.slice();
    block[0] = sent / BLOCK_BYTES;
    yield new Uint8Array(block.buffer, 0, Math.min(bytes - sent, BLOCK_BYTES));
  }
}
