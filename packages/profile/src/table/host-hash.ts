// The hash that host names are found by: label by label from the last, sixteen octets at a time.
import {
  HOST_HASH_MULTIPLIER,
  HOST_HASH_OFFSET,
  HOST_WORD_MULTIPLIER,
  HOST_WORD_MULTIPLIER_0,
  HOST_WORD_MULTIPLIER_1,
  HOST_WORD_MULTIPLIER_2,
  HOST_WORD_MULTIPLIER_3,
} from "@bunnel/abi";

/** Octets that are mixed at once. */
const CHUNK = 16;

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
  for (let stop = end; stop > start; stop -= CHUNK) {
    // A word without octets adds nothing.
    let sum = mixWord(wordAt(name, start, stop - 4), HOST_WORD_MULTIPLIER_3);
    if (stop - 4 > start) sum += mixWord(wordAt(name, start, stop - 8), HOST_WORD_MULTIPLIER_2);
    if (stop - 8 > start) sum += mixWord(wordAt(name, start, stop - 12), HOST_WORD_MULTIPLIER_1);
    if (stop - 12 > start) sum += mixWord(wordAt(name, start, stop - 16), HOST_WORD_MULTIPLIER_0);
    mixed = Math.imul(mixed ^ sum, HOST_HASH_MULTIPLIER);
    mixed ^= mixed >>> 15;
  }
  return mixed >>> 0;
}

/** Four octets from `from` on, the last one highest; those before `start` are 0. */
function wordAt(name: string, start: number, from: number): number {
  let word = 0;
  for (let index = 3; index >= 0 && from + index >= start; index -= 1) {
    word |= name.charCodeAt(from + index) << (8 * index);
  }
  return word;
}

function mixWord(word: number, multiplier: number): number {
  const mixed = Math.imul(word, multiplier);
  return Math.imul(mixed ^ (mixed >>> 15), HOST_WORD_MULTIPLIER);
}

export function storedHash(hash: number): number {
  return hash === 0 ? 1 : hash;
}
