// Copies of a few dozen octets. `memory.copy` leaves the compiled code for each call, which costs more than the octets.

/** Copies up to about a hundred octets; source and destination do not overlap. */
export function copyFew(to: usize, from: usize, bytes: i32): void {
  if (!ASC_FEATURE_SIMD || bytes < 16) {
    copyOctets(to, from, bytes);
    return;
  }
  const last = <usize>bytes - 16;
  for (let o: usize = 0; o < last; o += 16) v128.store(to + o, v128.load(from + o));
  // The last sixteen overlap what is there already.
  v128.store(to + last, v128.load(from + last));
}

function copyOctets(to: usize, from: usize, bytes: i32): void {
  let o: usize = 0;
  for (; o + 8 <= <usize>bytes; o += 8) store<u64>(to + o, load<u64>(from + o));
  for (; o < <usize>bytes; o++) store<u8>(to + o, load<u8>(from + o));
}
