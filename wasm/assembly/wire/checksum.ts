// The Internet checksum (RFC 1071) and its incremental form (RFC 1624). Sums are kept in the machine's own order:
// the one's complement sum does not care, so a result can be stored without turning its octets.

/** Folds a sum of 16-bit words into 16 bits. */
export function fold(sum: u64): u32 {
  let s: u64 = (sum & 0xffffffff) + (sum >>> 32);
  s = (s & 0xffff) + ((s >>> 16) & 0xffff) + (s >>> 32);
  s = (s & 0xffff) + (s >>> 16);
  return <u32>((s & 0xffff) + (s >>> 16));
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

  /** Sixteen octets at `p`, copied on the way where that is wanted. */
  @inline
  private take(p: usize, away: usize, copies: bool): v128 {
    const octets = v128.load(p);
    if (copies) v128.store(p + away, octets);
    return octets;
  }

  /**
   * Words are taken as signed by turning their upper bit: then the multiplication that adds neighbours does, which is
   * one instruction less than adding unsigned ones (bench "checksum": 0.8 of the time). What was taken off each word
   * is added at the end. A lane cannot overflow below half a megabyte.
   */
  @inline
  walk(to: usize, bytes: i32, copies: bool): u64 {
    const from = this.ptr;
    const away = to - from;
    const end = from + <usize>bytes;
    const sign = i16x8.splat(-0x8000);
    // One, of which no compiler knows: JavaScriptCore would put three instructions in the multiplication's place.
    const ones = i16x8.splat(from != 0 ? 1 : 0);
    let p = from;
    let a = i32x4.splat(0);
    let b = i32x4.splat(0);
    for (; p + 64 <= end; p += 64) {
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.xor(this.take(p, away, copies), sign), ones));
      b = i32x4.add(b, i32x4.dot_i16x8_s(v128.xor(this.take(p + 16, away, copies), sign), ones));
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.xor(this.take(p + 32, away, copies), sign), ones));
      b = i32x4.add(b, i32x4.dot_i16x8_s(v128.xor(this.take(p + 48, away, copies), sign), ones));
    }
    if (p + 32 <= end) {
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.xor(this.take(p, away, copies), sign), ones));
      b = i32x4.add(b, i32x4.dot_i16x8_s(v128.xor(this.take(p + 16, away, copies), sign), ones));
      p += 32;
    }
    if (p + 16 <= end) {
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.xor(this.take(p, away, copies), sign), ones));
      p += 16;
    }
    a = i32x4.add(a, b);
    const lanes = i64x2.add(i64x2.extend_low_i32x4_s(a), i64x2.extend_high_i32x4_s(a));
    let sum = <u64>i64x2.extract_lane(lanes, 0) + <u64>i64x2.extract_lane(lanes, 1) + ((<u64>(p - from)) << 14);
    if (p + 8 <= end) {
      const octets = load<u64>(p);
      if (copies) store<u64>(p + away, octets);
      sum += (octets & 0xffffffff) + (octets >>> 32);
      p += 8;
    }
    if (p + 4 <= end) {
      if (copies) store<u32>(p + away, load<u32>(p));
      sum += load<u32>(p);
      p += 4;
    }
    if (p + 2 <= end) {
      if (copies) store<u16>(p + away, load<u16>(p));
      sum += load<u16>(p);
      p += 2;
    }
    if (p < end) {
      if (copies) store<u8>(p + away, load<u8>(p));
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
