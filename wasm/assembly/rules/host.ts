// A host name in a host set: one walk from its last label to its first, with a look at the table for each name above.
//
// Most of a look-up's time is work and not memory, and what would wait is whatever cannot be foretold: so dots are
// found, letters made small, labels hashed and names compared sixteen octets at once, without a branch for each. What
// lies before a name is read with it and does not count.
import {
  HOST_HASH,
  HOST_HASH_MULTIPLIER,
  HOST_HASH_OFFSET,
  HOST_MATCH,
  HOST_PLACE_BYTES,
  HOST_PROBES_MAX,
  HOST_SET,
  HOST_TEXT_AT,
  HOST_TEXT_BYTES,
  HOST_WORD_MULTIPLIER,
  HOST_WORD_MULTIPLIER_0,
  HOST_WORD_MULTIPLIER_1,
  HOST_WORD_MULTIPLIER_2,
  HOST_WORD_MULTIPLIER_3,
  HostMatch,
} from "@bunnel/abi/src/index";
import { hostPlacesAt, hostPlacesMask, isFilteredOut } from "./table";

const DOT: u8 = 46;
/** Octets whose dots are looked for at once. */
const WINDOW: i32 = 32;

if (HOST_SET != HOST_TEXT_BYTES + 2) ERROR("set and size of a host place are compared as one word");

/** Whether the name, or a name above it, stands in the set. */
export function matchHost(table: usize, set: u32, name: usize, bytes: i32): boolean {
  let end = bytes;
  if (end > 0 && load<u8>(name + <usize>(end - 1)) == DOT) end--;
  // A message without a name has none at address 0.
  if (end < 1) return false;
  const length = end;
  let hash: u32 = HOST_HASH_OFFSET;
  // Dots of the octets before `stop` that are not behind us; the highest bit is the octet just before it.
  let stop = end;
  let dots = dotsBefore(name, stop);
  // Every turn goes at least one octet to the left.
  while (end > 0) {
    while (dots == 0 && stop > WINDOW) {
      stop -= WINDOW;
      dots = dotsBefore(name, stop);
    }
    // Without a dot this is at or before the first octet.
    const behind = <i32>clz<u32>(dots);
    const start = max<i32>(stop - behind, 0);
    dots &= ~(0x80000000 >>> behind);
    hash = hashLabel(hash, name + <usize>end, end - start);
    if (lookUp(table, set, hash, name + <usize>start, length - start, start == 0)) return true;
    end = start - 1;
  }
  return false;
}

/** A bit for each dot among the octets before `stop`, as far as they are of the name. */
function dotsBefore(name: usize, stop: i32): u32 {
  const dots = i8x16.splat(DOT);
  const at = name + <usize>(stop - WINDOW);
  const upper = <u32>i8x16.bitmask(i8x16.eq(v128.load(at, 16), dots));
  const lower = <u32>i8x16.bitmask(i8x16.eq(v128.load(at), dots));
  const found = (upper << 16) | lower;
  return stop < WINDOW ? (found >>> (WINDOW - stop)) << (WINDOW - stop) : found;
}

/** The label of `bytes` octets that ends before `end` added to the hash of those behind it. */
function hashLabel(hash: u32, end: usize, bytes: i32): u32 {
  const multipliers = i32x4(
    HOST_WORD_MULTIPLIER_0,
    HOST_WORD_MULTIPLIER_1,
    HOST_WORD_MULTIPLIER_2,
    HOST_WORD_MULTIPLIER_3,
  );
  let mixed = hash ^ <u32>bytes;
  let at = end;
  for (let left = bytes; left > 0; left -= 16) {
    at -= 16;
    let words = v128.and(lower16(v128.load(at)), lastOctets(left));
    words = i32x4.mul(words, multipliers);
    words = i32x4.mul(v128.xor(words, i32x4.shr_u(words, 15)), i32x4.splat(HOST_WORD_MULTIPLIER));
    words = i32x4.add(words, v128.shuffle<i32>(words, words, 2, 3, 0, 1));
    const sum = <u32>i32x4.extract_lane(words, 0) + <u32>i32x4.extract_lane(words, 1);
    mixed = (mixed ^ sum) * HOST_HASH_MULTIPLIER;
    mixed ^= mixed >>> 15;
  }
  return mixed;
}

/** The last `n` octets of sixteen; all of them when there are no more. */
function lastOctets(n: i32): v128 {
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return i8x16.gt_s(places, i8x16.splat(<i8>max<i32>(15 - n, -1)));
}

/** Sixteen octets, letters A to Z turned to a to z: moved so that they alone are the lowest numbers. */
function lower16(octets: v128): v128 {
  const isLetter = i8x16.lt_s(i8x16.add(octets, i8x16.splat(63)), i8x16.splat(-102));
  return v128.or(octets, v128.and(isLetter, i8x16.splat(0x20)));
}

function lookUp(table: usize, set: u32, hash: u32, name: usize, bytes: i32, isWhole: bool): bool {
  const wanted: u32 = hash == 0 ? 1 : hash;
  if (isFilteredOut(table, wanted)) return false;
  const places = hostPlacesAt(table);
  const mask = hostPlacesMask(table);
  const sizeAndSet = <u32>bytes | (set << 16);
  for (let i: u32 = 0; i < <u32>HOST_PROBES_MAX; i++) {
    const place = places + <usize>((wanted + i) & mask) * HOST_PLACE_BYTES;
    const found = load<u32>(place + HOST_HASH);
    if (found == 0) return false;
    if (found != wanted || load<u32>(place + HOST_TEXT_BYTES) != sizeAndSet) continue;
    if (!isWhole && load<u16>(place + HOST_MATCH) != HostMatch.Suffix) continue;
    if (sameName(table + load<u32>(place + HOST_TEXT_AT), name, bytes)) return true;
  }
  return false;
}

/** Whether the name is the one that stands in the table, where it is in lower case. */
function sameName(text: usize, name: usize, bytes: i32): bool {
  for (let left = bytes; left > 0; left -= 16) {
    const octets = lower16(v128.load(name + <usize>left - 16));
    const differ = v128.xor(octets, v128.load(text + <usize>left - 16));
    if (v128.any_true(v128.and(differ, lastOctets(left)))) return false;
  }
  return true;
}
