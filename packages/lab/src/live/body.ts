// The content of large transfers: both ends can compute it, no two blocks are equal, so that a lost, repeated or
// exchanged block changes the digest.

const BLOCK_BYTES = 1 << 16;

/** The first `bytes` octets of the content, in blocks. */
export function* contentBlocks(bytes: number): Generator<Uint8Array> {
  const words = new Uint32Array(BLOCK_BYTES / 4);
  // xorshift32 (Marsaglia 2003): not random in earnest, but never the same twice within a transfer.
  let state = 0x9e3779b9;
  for (let left = bytes; left > 0; left -= BLOCK_BYTES) {
    for (let i = 0; i < words.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[i] = state;
    }
    yield new Uint8Array(words.buffer.slice(0, Math.min(left, BLOCK_BYTES)));
  }
}

/** SHA-256 of the first `bytes` octets of the content, in hexadecimal. */
export function contentDigest(bytes: number): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const block of contentBlocks(bytes)) hasher.update(block);
  return hasher.digest("hex");
}
