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
  const end = v128.load(from + <usize>bytes - 16);
  const last = to + <usize>bytes - 16;
  let p = from;
  let q = to;
  // Offsets stand in the instructions: each address of its own would be one more.
  for (; q + 48 < last; q += 64) {
    const w = v128.load(p);
    const x = v128.load(p, 16);
    const y = v128.load(p, 32);
    const z = v128.load(p, 48);
    v128.store(q, w);
    v128.store(q, x, 16);
    v128.store(q, y, 32);
    v128.store(q, z, 48);
    p += 64;
  }
  for (; q < last; q += 16) {
    v128.store(q, v128.load(p));
    p += 16;
  }
  // The last sixteen overlap what is there already.
  v128.store(last, end);
}

/** The headers of a packet: twenty octets or more, most often less than 64. */
export function copyHeaders(to: usize, from: usize, bytes: i32): void {
  if (bytes > 64) {
    copyVectors(to, from, bytes);
    return;
  }
  const last = <usize>bytes - 16;
  const end = v128.load(from + last);
  v128.store(to, v128.load(from));
  if (bytes > 32) v128.store(to, v128.load(from, 16), 16);
  if (bytes > 48) v128.store(to, v128.load(from, 32), 32);
  v128.store(to + last, end);
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

/** Whether both have the same octets. */
export function isSame(one: usize, other: usize, bytes: i32): bool {
  if (bytes < 16) return memory.compare(one, other, bytes) == 0;
  const last = <usize>bytes - 16;
  let differs = v128.xor(v128.load(one + last), v128.load(other + last));
  for (let o: usize = 0; o < last; o += 16) {
    differs = v128.or(differs, v128.xor(v128.load(one + o), v128.load(other + o)));
  }
  return !v128.any_true(differs);
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
