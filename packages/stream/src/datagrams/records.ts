// Packets on their way between threads, several in one piece of memory.
//
//   record   octets of the packet u32 | segment size u16 | 0 u16 | packet | zeros up to a multiple of four

const HEADER_BYTES = 8;

/** A packet of a record; of a super-datagram each segment is a datagram of its own. */
export interface PacketRecord {
  readonly packet: Uint8Array;
  /** Octets of payload of each datagram but the last; 0: it is one datagram. */
  readonly segmentBytes: number;
}

/** The packets of a piece of memory, as a lane or `recordsOf` filled it. */
export function* readRecords(octets: Uint8Array): Generator<PacketRecord> {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  for (let at = 0; at + HEADER_BYTES <= octets.length;) {
    const bytes = view.getUint32(at, true);
    const from = at + HEADER_BYTES;
    yield { packet: octets.subarray(from, from + bytes), segmentBytes: view.getUint16(at + 4, true) };
    at = from + ((bytes + 3) & ~3);
  }
}

/** Packets that are no super-datagrams, in one piece of memory. */
export function recordsOf(packets: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const sizes = packets.map(({ length }) => HEADER_BYTES + ((length + 3) & ~3));
  const octets = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  const view = new DataView(octets.buffer);
  let at = 0;
  for (const [i, packet] of packets.entries()) {
    view.setUint32(at, packet.length, true);
    octets.set(packet, at + HEADER_BYTES);
    at += sizes[i] ?? 0;
  }
  return octets;
}
