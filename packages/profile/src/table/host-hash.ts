// The hash that host names are found by: label by label from the last, four octets at a time.
import { HOST_HASH_MULTIPLIER, HOST_HASH_OFFSET } from "@bunnel/abi";

/** The hash of a lower-case name as a table stores it: 0 stands for an empty place, so a hash of 0 becomes 1. */
export function hostHash(name: string): number {
  let hash = HOST_HASH_OFFSET;
  for (const start of labelStarts(name)) hash = hashLabel(hash, name, start);
  return storedHash(hash);
}

/** Where the labels of a name start, the last one first. */
export function* labelStarts(name: string): Generator<number> {
  for (let start = name.length + 1; start > 0;) {
    start = start < 2 ? 0 : name.lastIndexOf(".", start - 2) + 1;
    yield start;
  }
}

/** The label that starts at `start` added to the hash of those behind it. */
export function hashLabel(hash: number, name: string, start: number): number {
  const dot = name.indexOf(".", start);
  const end = dot < 0 ? name.length : dot;
  let mixed = hash ^ (end - start);
  for (let stop = end; stop > start; stop -= 4) {
    // The last octet stands highest; where fewer than four are left, the lower ones are 0.
    let word = 0;
    for (let back = 1; back <= 4 && stop - back >= start; back += 1) {
      word |= name.charCodeAt(stop - back) << (8 * (4 - back));
    }
    mixed = Math.imul(mixed ^ word, HOST_HASH_MULTIPLIER);
    mixed ^= mixed >>> 15;
  }
  return mixed >>> 0;
}

export function storedHash(hash: number): number {
  return hash === 0 ? 1 : hash;
}
