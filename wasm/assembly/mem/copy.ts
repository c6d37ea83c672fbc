// Copies within the compiled code. `memory.copy` and `memory.fill` leave it for each call, which costs more than a few
// hundred octets do.

/** Above so many octets the call is worth its cost. */
const CALL_BYTES: i32 = 2048;

/** Copies octets; source and destination do not overlap. */
export function copy(to: usize, from: usize, bytes: i32): void {
  if (bytes > CALL_BYTES) memory.copy(to, from, bytes);
  else if (bytes >= 16) copyVectors(to, from, bytes);
  else copyOctets(to, from, bytes);
}

/** Sixteen octets or more. */
export function copyVectors(to: usize, from: usize, bytes: i32): void {
  const last = <usize>bytes - 16;
  let o: usize = 0;
  for (; o + 32 <= last; o += 32) {
    const left = v128.load(from + o);
    const right = v128.load(from + o, 16);
    v128.store(to + o, left);
    v128.store(to + o, right, 16);
  }
  for (; o < last; o += 16) v128.store(to + o, v128.load(from + o));
  // The last sixteen overlap what is there already.
  v128.store(to + last, v128.load(from + last));
}

function copyOctets(to: usize, from: usize, bytes: i32): void {
  let o: usize = 0;
  for (; o + 8 <= <usize>bytes; o += 8) store<u64>(to + o, load<u64>(from + o));
  for (; o < <usize>bytes; o++) store<u8>(to + o, load<u8>(from + o));
}

/** A record of 64 octets. */
export function copyRecord(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  v128.store(to, v128.load(from, 32), 32);
  v128.store(to, v128.load(from, 48), 48);
}

/** Sets a record of 64 octets to 0. */
export function clearRecord(at: usize): void {
  const zero = i64x2.splat(0);
  v128.store(at, zero);
  v128.store(at, zero, 16);
  v128.store(at, zero, 32);
  v128.store(at, zero, 48);
}
