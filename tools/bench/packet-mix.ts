// A mix of packets as a busy host sees it, the same octets for the same numbers: 75 % IPv4 TCP and UDP, 22 % IPv6 (3 %
// with extension headers), 3 % ICMP; three of ten carry no payload; both directions of each flow.
//
// The file for the C programs, little-endian:
//   | count u32 | stride u32 | lengths u16 × count | packets, one every stride octets |

export interface PacketMix {
  readonly count: number;
  /** Octets from one packet's start to the next one's. */
  readonly stride: number;
  readonly lengths: Uint16Array;
  readonly packets: Uint8Array;
}

export interface PacketMixOptions {
  readonly count: number;
  readonly flows: number;
  readonly seed?: number;
}

export const MIX_STRIDE_BYTES = 2048;
/** What one packet of a bulk transfer carries behind the longest headers of the mix, within an MTU of 1500. */
const PAYLOAD_BYTES = 1340;
const EMPTY_PERCENT = 30;

interface FlowKind {
  readonly family: 4 | 6;
  readonly protocol: number;
  /** Octets of IPv6 extension headers. */
  readonly extensionBytes: number;
}

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const HOP_BY_HOP = 0;
const DESTINATION_OPTIONS = 60;
/** Twelve octets of options: two no-operations and a timestamp, as on nearly every segment of today. */
const TCP_HEADER_BYTES = 32;

/** Of a hundred flows: 60 TCP and 15 UDP over IPv4; 14 TCP, 5 UDP and 3 UDP behind extensions over IPv6; 3 ICMP. */
export function kindOf(flow: number): FlowKind {
  const share = flow % 100;
  if (share < 60) return { family: 4, protocol: TCP, extensionBytes: 0 };
  if (share < 75) return { family: 4, protocol: UDP, extensionBytes: 0 };
  if (share < 89) return { family: 6, protocol: TCP, extensionBytes: 0 };
  if (share < 94) return { family: 6, protocol: UDP, extensionBytes: 0 };
  if (share < 97) return { family: 6, protocol: UDP, extensionBytes: 16 };
  return { family: 4, protocol: ICMP, extensionBytes: 0 };
}

export function makePacketMix({ count, flows, seed = 1 }: PacketMixOptions): PacketMix {
  const random = randomOf(seed);
  const lengths = new Uint16Array(count);
  const packets = new Uint8Array(count * MIX_STRIDE_BYTES);
  for (let i = 0; i < count; i++) {
    const slot = packets.subarray(i * MIX_STRIDE_BYTES, (i + 1) * MIX_STRIDE_BYTES);
    const flow = random() % flows;
    const back = random() % 2 === 1;
    const payloadBytes = random() % 100 < EMPTY_PERCENT ? 0 : PAYLOAD_BYTES;
    lengths[i] = writePacket(slot, flow, back, payloadBytes, random);
  }
  return { count, stride: MIX_STRIDE_BYTES, lengths, packets };
}

export function encodePacketMix(mix: PacketMix): Uint8Array {
  const file = new Uint8Array(8 + mix.lengths.byteLength + mix.packets.length);
  const view = new DataView(file.buffer);
  view.setUint32(0, mix.count, true);
  view.setUint32(4, mix.stride, true);
  mix.lengths.forEach((bytes, i) => view.setUint16(8 + 2 * i, bytes, true));
  file.set(mix.packets, 8 + mix.lengths.byteLength);
  return file;
}

/** Numbers of 32 bits: mulberry32. Not a secret, only always the same. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** Writes one packet of the flow; returns its octets. */
function writePacket(
  slot: Uint8Array,
  flow: number,
  back: boolean,
  payloadBytes: number,
  random: () => number,
): number {
  const kind = kindOf(flow);
  const view = new DataView(slot.buffer, slot.byteOffset, slot.length);
  const l4Bytes = (kind.protocol === TCP ? TCP_HEADER_BYTES : 8) + payloadBytes;
  const l4Offset =
    kind.family === 4 ? writeIpv4(view, kind, flow, back, l4Bytes) : writeIpv6(view, kind, flow, back, l4Bytes);
  writeTransport(view, l4Offset, kind, flow, back, l4Bytes, random);
  const total = l4Offset + l4Bytes;
  for (let at = total - payloadBytes; at < total; at++) slot[at] = random();
  return total;
}

/** RFC 791 section 3.1. Checksums stay 0: nothing here looks at them. */
function writeIpv4(view: DataView, kind: FlowKind, flow: number, back: boolean, l4Bytes: number): number {
  const local = 0xc0000201 + (flow % 254); // 192.0.2.1 and on
  const remote = 0xcb007101 + (Math.imul(flow, 7) % 254); // 203.0.113.1 and on
  view.setUint8(0, 0x45);
  view.setUint16(2, 20 + l4Bytes);
  view.setUint16(6, 0x4000);
  view.setUint8(8, 64);
  view.setUint8(9, kind.protocol);
  view.setUint32(12, back ? remote : local);
  view.setUint32(16, back ? local : remote);
  return 20;
}

/** RFC 8200 section 3; extension headers: hop-by-hop and destination options of eight octets each. */
function writeIpv6(view: DataView, kind: FlowKind, flow: number, back: boolean, l4Bytes: number): number {
  const { extensionBytes, protocol } = kind;
  view.setUint8(0, 0x60);
  view.setUint16(4, extensionBytes + l4Bytes);
  view.setUint8(6, extensionBytes > 0 ? HOP_BY_HOP : protocol);
  view.setUint8(7, 64);
  writeIpv6Address(view, back ? 24 : 8, 0x1, flow);
  writeIpv6Address(view, back ? 8 : 24, 0x2, Math.imul(flow, 7));
  if (extensionBytes > 0) {
    view.setUint8(40, DESTINATION_OPTIONS);
    view.setUint8(48, protocol);
    // One padding option (PadN) fills each.
    for (const at of [42, 50]) view.setUint16(at, 0x0104);
  }
  return 40 + extensionBytes;
}

/** 2001:db8:<network>::<host> */
function writeIpv6Address(view: DataView, at: number, network: number, host: number): void {
  view.setUint32(at, 0x20010db8);
  view.setUint16(at + 4, network);
  view.setUint32(at + 12, host);
}

function writeTransport(
  view: DataView,
  at: number,
  kind: FlowKind,
  flow: number,
  back: boolean,
  l4Bytes: number,
  random: () => number,
): void {
  if (kind.protocol === ICMP) {
    view.setUint8(at, back ? 0 : 8); // echo reply, echo request
    view.setUint16(at + 4, flow);
    return;
  }
  const local = 1024 + flow;
  view.setUint16(at, back ? 443 : local);
  view.setUint16(at + 2, back ? local : 443);
  if (kind.protocol === UDP) {
    view.setUint16(at + 4, l4Bytes);
    return;
  }
  view.setUint32(at + 4, random());
  view.setUint32(at + 8, random());
  view.setUint8(at + 12, (TCP_HEADER_BYTES / 4) << 4);
  view.setUint8(at + 13, 0x10); // ACK
  view.setUint32(at + 20, 0x0101080a);
}
