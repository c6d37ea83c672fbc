// TCP sequence numbers live on a circle of 2^32 (RFC 9293 section 3.4): never compare them with <.

/** How far `b` lies ahead of `a`; negative: behind it. Holds while they are less than 2^31 apart. */
export function seqDistance(a: u32, b: u32): i32 {
  return <i32>(b - a);
}

export function seqAdd(seq: u32, octets: u32): u32 {
  return seq + octets;
}
