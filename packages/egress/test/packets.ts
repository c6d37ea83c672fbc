// Packets for the tests, written octet by octet (RFC 791, RFC 8200, RFC 768).

/** The Internet checksum of RFC 1071. */
export function checksum(octets: Uint8Array, start = 0): number {
  let sum = start;
  for (let at = 0; at < octets.length; at += 2) sum += ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export interface Fields4 {
  readonly tos?: number;
  readonly id?: number;
  /** Flags and fragment offset, as they stand in the header. */
  readonly fragment?: number;
  readonly ttl?: number;
  readonly protocol?: number;
  /** A multiple of four octets. */
  readonly options?: readonly number[];
  readonly destination?: readonly [number, number, number, number];
}

/** An IPv4 packet from 203.0.113.1, by default to 203.0.113.2, with a right header checksum. */
export function packet4(payload: Uint8Array, fields: Fields4 = {}): Uint8Array {
  const {
    tos = 0,
    id = 1,
    fragment = 0,
    ttl = 64,
    protocol = 17,
    options = [],
    destination = [203, 0, 113, 2],
  } = fields;
  const headerBytes = 20 + options.length;
  const packet = new Uint8Array(headerBytes + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint8(0, 0x40 | (headerBytes / 4));
  view.setUint8(1, tos);
  view.setUint16(2, packet.length);
  view.setUint16(4, id);
  view.setUint16(6, fragment);
  view.setUint8(8, ttl);
  view.setUint8(9, protocol);
  packet.set([203, 0, 113, 1, ...destination, ...options], 12);
  view.setUint16(10, checksum(packet.subarray(0, headerBytes)));
  packet.set(payload, headerBytes);
  return packet;
}

export interface Fields6 {
  /** Traffic class and flow label: the low 28 bits of the first word. */
  readonly flow?: number;
  readonly hopLimit?: number;
  readonly nextHeader?: number;
}

/** An IPv6 packet from 2001:db8::1 to 2001:db8::2. */
export function packet6(payload: Uint8Array, fields: Fields6 = {}): Uint8Array {
  const { flow = 0, hopLimit = 64, nextHeader = 17 } = fields;
  const packet = new Uint8Array(40 + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint32(0, (0x60000000 | flow) >>> 0);
  view.setUint16(4, payload.length);
  view.setUint8(6, nextHeader);
  view.setUint8(7, hopLimit);
  packet.set([0x20, 1, 0x0d, 0xb8], 8);
  packet.set([0x20, 1, 0x0d, 0xb8], 24);
  view.setUint8(23, 1);
  view.setUint8(39, 2);
  packet.set(payload, 40);
  return packet;
}

/** A datagram from port 40000 to port 40001 whose payload starts with `number`; its checksum stands for nothing. */
export function datagram(number: number, payloadBytes = 4): Uint8Array {
  const octets = new Uint8Array(8 + payloadBytes);
  const view = new DataView(octets.buffer);
  view.setUint16(0, 40000);
  view.setUint16(2, 40001);
  view.setUint16(4, octets.length);
  view.setUint16(6, 0xbeef);
  view.setUint32(8, number);
  return octets;
}
