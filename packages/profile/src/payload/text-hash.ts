// FNV-1a, 32 bits: tells texts apart, nothing more.
const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** Over the characters from last to first. */
export function textHash(text: string): number {
  let hash = OFFSET;
  for (let index = text.length - 1; index >= 0; index -= 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), PRIME) >>> 0;
  return hash === 0 ? 1 : hash;
}
