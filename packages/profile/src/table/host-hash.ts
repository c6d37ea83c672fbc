// The hash that host names are found by: FNV-1a, 32 bits, over the octets from last to first.
import { HOST_HASH_OFFSET, HOST_HASH_PRIME } from "@bunnel/abi";

/** 0 stands for an empty place, so a hash of 0 becomes 1. */
export function hostHash(name: string): number {
  let hash = HOST_HASH_OFFSET;
  for (let index = name.length - 1; index >= 0; index -= 1) hash = hashStep(hash, name.charCodeAt(index));
  return storedHash(hash);
}

/** One octet more, to the left. */
export function hashStep(hash: number, octet: number): number {
  return Math.imul(hash ^ octet, HOST_HASH_PRIME) >>> 0;
}

export function storedHash(hash: number): number {
  return hash === 0 ? 1 : hash;
}
