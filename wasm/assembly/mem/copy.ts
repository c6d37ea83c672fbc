// Copies within the compiled code. `memory.copy` and `memory.fill` leave it for each call, which costs more than a few
// hundred octets do.

/** Above so many octets the call is worth its cost. */
const CALL_BYTES: i32 = 384;

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

/** Fifteen octets or fewer: of two loads the second overlaps the first. */
function copyOctets(to: usize, from: usize, bytes: i32): void {
  if (bytes >= 8) {
    const last = <usize>bytes - 8;
    const octets = load<u64>(from + last);
    store<u64>(to, load<u64>(from));
    store<u64>(to + last, octets);
  } else if (bytes >= 4) {
    const last = <usize>bytes - 4;
    const octets = load<u32>(from + last);
    store<u32>(to, load<u32>(from));
    store<u32>(to + last, octets);
  } else {
    for (let o: usize = 0; o < <usize>bytes; o++) store<u8>(to + o, load<u8>(from + o));
  }
}

/** A record of 64 octets. */
export function copyRecord(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  v128.store(to, v128.load(from, 32), 32);
  v128.store(to, v128.load(from, 48), 48);
}

/** Two records of 64 octets, the one in the place of the other. */
export function swapRecords(one: usize, other: usize): void {
  const a = v128.load(one);
  const b = v128.load(one, 16);
  const c = v128.load(one, 32);
  const d = v128.load(one, 48);
  copyRecord(one, other);
  v128.store(other, a);
  v128.store(other, b, 16);
  v128.store(other, c, 32);
  v128.store(other, d, 48);
}

/** Sets a record of 64 octets to 0. */
export function clearRecord(at: usize): void {
  const zero = i64x2.splat(0);
  v128.store(at, zero);
  v128.store(at, zero, 16);
  v128.store(at, zero, 32);
  v128.store(at, zero, 48);
}
