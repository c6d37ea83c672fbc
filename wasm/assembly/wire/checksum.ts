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
  let p = ptr;
  const end = ptr + <usize>bytes;
  let sum: u64 = 0;
  if (ASC_FEATURE_SIMD && bytes >= 32) {
    // Two accumulators of 32-bit lanes; a lane cannot overflow below half a megabyte.
    let a = i32x4.splat(0);
    let b = i32x4.splat(0);
    for (; p + 32 <= end; p += 32) {
      a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(v128.load(p)));
      b = i32x4.add(b, i32x4.extadd_pairwise_i16x8_u(v128.load(p, 16)));
    }
    a = i32x4.add(a, b);
    sum =
      <u64>(<u32>i32x4.extract_lane(a, 0)) +
      <u64>(<u32>i32x4.extract_lane(a, 1)) +
      <u64>(<u32>i32x4.extract_lane(a, 2)) +
      <u64>(<u32>i32x4.extract_lane(a, 3));
  }
  for (; p + 4 <= end; p += 4) sum += load<u32>(p);
  if (p + 2 <= end) {
    sum += load<u16>(p);
    p += 2;
  }
  if (p < end) sum += load<u8>(p);
  return sum;
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
