// Sequence numbers live on a circle of 2^32 (RFC 9293 section 3.4): only distances compare, never the numbers.

/** How many octets `to` lies behind `from`; negative when it lies before. Exact within 2^31 octets. */
export function sequenceDistance(from: number, to: number): number {
  return (to - from) | 0;
}

/** The sequence number `octets` further on. */
export function sequenceAfter(from: number, octets: number): number {
  return (from + octets) >>> 0;
}
