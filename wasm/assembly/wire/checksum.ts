// The Internet checksum (RFC 1071) and its incremental form (RFC 1624). Sums are kept in the machine's own order:
// the one's complement sum does not care, so a result can be stored without turning its octets.

/**
 * Folds a sum of 16-bit words into 16 bits. Halves are added to each other in both orders at once: the upper half of
 * that has the carry of the lower one in it.
 */
export function fold(sum: u64): u32 {
  return fold32(<u32>((sum + rotl<u64>(sum, 32)) >>> 32));
}

/** Folds the sum of two 16-bit words, each with a word of carries or another one above it. */
export function fold32(sum: u32): u32 {
  return (sum + rotl<u32>(sum, 16)) >>> 16;
}

/** Sum of the octets as 16-bit words, an odd last octet counting as the first of its word; not folded, not inverted. */
export function sumOf(ptr: usize, bytes: i32): u64 {
  return Octets.at(ptr).walk(ptr, bytes, false);
}

/** Octets that are summed where they lie, or copied in the same walk. */
@unmanaged
export class Octets {
  static at(ptr: usize): Octets {
    return changetype<Octets>(ptr);
  }
  get ptr(): usize {
    return changetype<usize>(this);
  }

  /** Their sum as `sumOf` gives it, while they are copied to `to`; both do not overlap. */
  @inline
  copyAndSum(to: usize, bytes: i32): u64 {
    return this.walk(to, bytes, true);
  }

  /** Sixteen octets of `words`, whose upper bits were turned, as four sums of two words each. */
  @inline
  private pairs(words: v128, ones: v128): v128 {
    return i32x4.dot_i16x8_s(v128.xor(words, i16x8.splat(-0x8000)), ones);
  }

  /**
   * Words are taken as signed by turning their upper bit: then the multiplication that adds neighbours does, which is
   * one instruction less than adding unsigned ones (bench "checksum": 0.8 of the time). What was taken off each word
   * is added at the end. A lane cannot overflow below half a megabyte.
   */
  @inline
  walk(to: usize, bytes: i32, copies: bool): u64 {
    const from = this.ptr;
    if (bytes < 16) return this.walkFew(from, to, bytes, copies);
    // One, of which no compiler knows: JavaScriptCore would put three instructions in the multiplication's place.
    const ones = i16x8.splat(from != 0 ? 1 : 0);
    let p = from;
    let q = to;
    let left = bytes;
    let a = i32x4.splat(0);
    let b = i32x4.splat(0);
    // Offsets stand in the instructions: each address of its own would be one more.
    for (; left >= 64; left -= 64) {
      const w = v128.load(p);
      const x = v128.load(p, 16);
      const y = v128.load(p, 32);
      const z = v128.load(p, 48);
      if (copies) {
        v128.store(q, w);
        v128.store(q, x, 16);
        v128.store(q, y, 32);
        v128.store(q, z, 48);
        q += 64;
      }
      a = i32x4.add(a, this.pairs(w, ones));
      b = i32x4.add(b, this.pairs(x, ones));
      a = i32x4.add(a, this.pairs(y, ones));
      b = i32x4.add(b, this.pairs(z, ones));
      p += 64;
    }
    for (; left >= 16; left -= 16) {
      const w = v128.load(p);
      if (copies) {
        v128.store(q, w);
        q += 16;
      }
      a = i32x4.add(a, this.pairs(w, ones));
      p += 16;
    }
    if (left > 0) {
      // The last sixteen, of which those that were summed already are turned out at the front; behind them come zeros.
      const last = v128.load(p + <usize>left - 16);
      if (copies) v128.store(q + <usize>left - 16, last);
      const places = i8x16.add(
        i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
        i8x16.splat(<i8>(16 - left)),
      );
      a = i32x4.add(a, this.pairs(i8x16.swizzle(last, places), ones));
      p += 16;
    }
    a = i32x4.add(a, b);
    const lanes = i64x2.add(i64x2.extend_low_i32x4_s(a), i64x2.extend_high_i32x4_s(a));
    return <u64>i64x2.extract_lane(lanes, 0) + <u64>i64x2.extract_lane(lanes, 1) + ((<u64>(p - from)) << 14);
  }

  /** Less than sixteen octets. */
  @inline
  private walkFew(from: usize, to: usize, bytes: i32, copies: bool): u64 {
    let p = from;
    let q = to;
    let rest = bytes;
    let sum: u64 = 0;
    if (rest >= 8) {
      const octets = load<u64>(p);
      if (copies) store<u64>(q, octets);
      sum = (octets & 0xffffffff) + (octets >>> 32);
      p += 8;
      q += 8;
      rest -= 8;
    }
    if (rest >= 4) {
      if (copies) store<u32>(q, load<u32>(p));
      sum += load<u32>(p);
      p += 4;
      q += 4;
      rest -= 4;
    }
    if (rest >= 2) {
      if (copies) store<u16>(q, load<u16>(p));
      sum += load<u16>(p);
      p += 2;
      q += 2;
      rest -= 2;
    }
    if (rest > 0) {
      if (copies) store<u8>(q, load<u8>(p));
      sum += load<u8>(p);
    }
    return sum;
  }
}

/** The checksum of the octets, ready to be stored. */
export function checksumOf(ptr: usize, bytes: i32): u32 {
  return ~fold(sumOf(ptr, bytes)) & 0xffff;
}

/**
 * The checksum after one 16-bit word changed: HC' = ~(~HC + ~m + m') (RFC 1624 equation 3). Words as they lie in
 * memory.
 */
export function checksumAfter(checksum: u32, oldWord: u32, newWord: u32): u32 {
  return ~fold(<u64>(~checksum & 0xffff) + <u64>(~oldWord & 0xffff) + <u64>(newWord & 0xffff)) & 0xffff;
}
