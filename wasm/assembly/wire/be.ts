// Numbers in network order, in place.

/** Two octets one by one: WebAssembly has no rotation of sixteen bits, and what stands for it takes longer. */
export function be16(ptr: usize, offset: usize): u32 {
  return ((<u32>load<u8>(ptr + offset)) << 8) | load<u8>(ptr + (offset + 1));
}

export function be24(ptr: usize, offset: usize): u32 {
  return ((<u32>load<u8>(ptr + offset)) << 16) | be16(ptr, offset + 1);
}

export function be32(ptr: usize, offset: usize): u32 {
  return bswap<u32>(load<u32>(ptr + offset));
}

/** The lower sixteen bits in the other order. */
export function swap16(value: u32): u32 {
  return ((value << 8) & 0xff00) | ((value >>> 8) & 0xff);
}

/** Each half in the other order. */
export function swapHalves(value: u32): u32 {
  return ((value << 8) & 0xff00ff00) | ((value >>> 8) & 0x00ff00ff);
}

export function setBe16(ptr: usize, offset: usize, value: u32): void {
  store<u16>(ptr + offset, rotl<u16>(<u16>value, 8));
}

export function setBe32(ptr: usize, offset: usize, value: u32): void {
  store<u32>(ptr + offset, bswap<u32>(value));
}
