// TCP segments of one flow become one long segment before they are written. Wintun takes packets of 65535 octets
// whatever the interface's MTU is, each costs the same, and Windows has no other batching for what comes in.
//
// Only neighbours in the list merge, so that nothing is reordered, and only such as RFC 9293 receivers cannot tell from
// one segment: same flow, same acknowledgement, same options, adjacent sequence numbers, both checksums right. UDP
// never merges: Windows would deliver one long datagram, for Wintun has no header that says where to cut it.

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const TCP = 6;
const TCP_HEADER_MIN_BYTES = 20;
const FLAGS_AT = 13;
const ACK = 0x10;
const PSH = 0x08;
const CHECKSUM_AT = 16;
const HEADERS_MAX_BYTES = IPV6_HEADER_BYTES + 60;
const MERGED_MAX_BYTES = 65535;
/** IPv4: more fragments, and the fragment's offset. */
const FRAGMENT_BITS = 0x3fff;

/** One segment, seen in place. */
interface Segment {
  at: number;
  bytes: number;
  /** Octets before the TCP header, and before the payload. */
  ipBytes: number;
  headerBytes: number;
  seq: number;
  /** One's complement sum of the payload, as if it began at an even octet. */
  payloadSum: number;
}

export class TcpMerger {
  /** The header of the merged packet; `headerBytes` of it count. */
  readonly header: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(HEADERS_MAX_BYTES));
  headerBytes = 0;
  /** Octets of the merged packet. */
  bytes = 0;

  readonly #first = empty();
  readonly #next = empty();

  /**
   * How many packets from `from` on are one; 1: this one stays alone. Where it is more, `header` and `bytes` say what
   * becomes of them: the header, then the payload of each.
   */
  run(octets: Uint8Array, at: Uint32Array, lengths: Uint16Array, from: number, to: number): number {
    const first = this.#first;
    if (from + 1 >= to || !look(octets, at[from] ?? 0, lengths[from] ?? 0, first)) return 1;
    let [payloadBytes, sum, last] = [first.bytes - first.headerBytes, first.payloadSum, from];
    const next = this.#next;
    while (last + 1 < to) {
      // What was pushed is delivered now: nothing comes behind it.
      if (((octets[(at[last] ?? 0) + first.ipBytes + FLAGS_AT] ?? 0) & PSH) !== 0) break;
      if (!look(octets, at[last + 1] ?? 0, lengths[last + 1] ?? 0, next)) break;
      const more = next.bytes - next.headerBytes;
      if (first.headerBytes + payloadBytes + more > MERGED_MAX_BYTES) break;
      if (next.seq !== (first.seq + payloadBytes) >>> 0 || !isSameFlow(octets, first, next)) break;
      // A payload that begins at an odd octet of the whole adds its sum with the octets swapped (RFC 1071 section 2).
      sum += (payloadBytes & 1) === 0 ? next.payloadSum : swapped(next.payloadSum);
      payloadBytes += more;
      last++;
    }
    if (last > from) this.#build(octets, payloadBytes, folded(sum), at[last] ?? 0);
    return last - from + 1;
  }

  /** @param tail where the last packet lies */
  #build(octets: Uint8Array, payloadBytes: number, payloadSum: number, tail: number): void {
    const { at, ipBytes, headerBytes } = this.#first;
    const { header } = this;
    for (let i = 0; i < headerBytes; i++) header[i] = octets[at + i] ?? 0;
    this.headerBytes = headerBytes;
    this.bytes = headerBytes + payloadBytes;
    // The last one's flags and window: PSH may stand there, and its word about the window is the newest.
    for (let i = FLAGS_AT; i < CHECKSUM_AT; i++) header[ipBytes + i] = octets[tail + ipBytes + i] ?? 0;
    if (ipBytes === IPV4_HEADER_BYTES) {
      put16(header, 2, this.bytes);
      put16(header, 10, 0);
      put16(header, 10, ~folded(sumOf(header, 0, ipBytes)) & 0xffff);
    } else {
      put16(header, 4, this.bytes - ipBytes);
    }
    put16(header, ipBytes + CHECKSUM_AT, 0);
    const tcpBytes = this.bytes - ipBytes;
    const sum = pseudoSum(header, 0, ipBytes, tcpBytes) + sumOf(header, ipBytes, headerBytes - ipBytes) + payloadSum;
    put16(header, ipBytes + CHECKSUM_AT, ~folded(sum) & 0xffff);
  }
}

function empty(): Segment {
  return { at: 0, bytes: 0, ipBytes: 0, headerBytes: 0, seq: 0, payloadSum: 0 };
}

/** Whether this is a segment that may merge: whole, plain data, its checksum right. Fills `segment`. */
function look(octets: Uint8Array, at: number, bytes: number, segment: Segment): boolean {
  const ipBytes = ipHeaderBytes(octets, at, bytes);
  if (ipBytes === 0 || bytes < ipBytes + TCP_HEADER_MIN_BYTES) return false;
  const tcpAt = at + ipBytes;
  const headerBytes = ipBytes + ((octets[tcpAt + 12] ?? 0) >> 4) * 4;
  if (headerBytes < ipBytes + TCP_HEADER_MIN_BYTES || headerBytes >= bytes) return false;
  if (((octets[tcpAt + FLAGS_AT] ?? 0) & ~PSH) !== ACK) return false;
  segment.at = at;
  segment.bytes = bytes;
  segment.ipBytes = ipBytes;
  segment.headerBytes = headerBytes;
  segment.seq = (get16(octets, tcpAt + 4) * 0x1_0000 + get16(octets, tcpAt + 6)) >>> 0;
  segment.payloadSum = folded(sumOf(octets, at + headerBytes, bytes - headerBytes));
  const headSum = pseudoSum(octets, at, ipBytes, bytes - ipBytes) + sumOf(octets, tcpAt, headerBytes - ipBytes);
  return folded(headSum + segment.payloadSum) === 0xffff;
}

/** 0: no whole IPv4 packet without options, nor IPv6 packet without extension headers, that carries TCP. */
function ipHeaderBytes(octets: Uint8Array, at: number, bytes: number): number {
  if (octets[at] === 0x45 && bytes >= IPV4_HEADER_BYTES) {
    const isWhole = get16(octets, at + 2) === bytes && (get16(octets, at + 6) & FRAGMENT_BITS) === 0;
    const isSound = octets[at + 9] === TCP && folded(sumOf(octets, at, IPV4_HEADER_BYTES)) === 0xffff;
    return isWhole && isSound ? IPV4_HEADER_BYTES : 0;
  }
  if ((octets[at] ?? 0) >> 4 !== 6 || bytes < IPV6_HEADER_BYTES || octets[at + 6] !== TCP) return 0;
  return get16(octets, at + 4) === bytes - IPV6_HEADER_BYTES ? IPV6_HEADER_BYTES : 0;
}

/** Same addresses, ports, acknowledgement, options, class, hop limit and fragment flag. */
function isSameFlow(octets: Uint8Array, first: Segment, next: Segment): boolean {
  const { ipBytes, headerBytes } = first;
  if (next.ipBytes !== ipBytes || next.headerBytes !== headerBytes) return false;
  const same = (from: number, to: number): boolean => {
    for (let i = from; i < to; i++) if (octets[first.at + i] !== octets[next.at + i]) return false;
    return true;
  };
  // Left out: IPv4 length, identification and checksum; IPv6 length; of TCP sequence number, flags, window, checksum.
  const isSameIp =
    ipBytes === IPV4_HEADER_BYTES ? same(0, 2) && same(6, 10) && same(12, 20) : same(0, 4) && same(6, 40);
  return isSameIp && same(ipBytes, ipBytes + 4) && same(ipBytes + 8, ipBytes + 12) && same(ipBytes + 18, headerBytes);
}

/** RFC 9293 section 3.1, RFC 8200 section 8.1: addresses, length and protocol. */
function pseudoSum(octets: Uint8Array, at: number, ipBytes: number, tcpBytes: number): number {
  const addresses = ipBytes === IPV4_HEADER_BYTES ? sumOf(octets, at + 12, 8) : sumOf(octets, at + 8, 32);
  return addresses + TCP + (tcpBytes >>> 16) + (tcpBytes & 0xffff);
}

/** The sum of the 16-bit words, not folded: at most 2^15 words of a packet, so that it stays below 2^31. */
function sumOf(octets: Uint8Array, at: number, bytes: number): number {
  const end = at + (bytes & ~1);
  let sum = 0;
  for (let i = at; i < end; i += 2) sum += ((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0);
  return (bytes & 1) === 0 ? sum : sum + ((octets[end] ?? 0) << 8);
}

function folded(sum: number): number {
  let rest = sum;
  while (rest > 0xffff) rest = (rest & 0xffff) + (rest >>> 16);
  return rest;
}

function swapped(word: number): number {
  return ((word & 0xff) << 8) | (word >> 8);
}

function get16(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
}

function put16(octets: Uint8Array, at: number, word: number): void {
  octets[at] = word >> 8;
  octets[at + 1] = word;
}
