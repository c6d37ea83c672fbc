// A packet of a client, as far as carrying it on needs it (RFC 791 section 3.1, RFC 8200 sections 3 and 4.5).
import { formatAddress } from "@bunnel/wire";
import type { SocketAddress } from "../relay-options.ts";

/** What is taken out of a packet. */
export interface ClientPacket {
  readonly family: 4 | 6;
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  readonly hops: number;
  /** Type of service, traffic class. */
  readonly tos: number;
  /** Whether it may not be cut on the way; of IPv6, whether it was not cut here. */
  readonly dontFragment: boolean;
  /** Where its place among the fragments of a datagram is, when it is one. */
  readonly fragment: Fragment | undefined;
  /** Behind the IP headers. */
  readonly body: Uint8Array;
}

/** A fragment's place. */
export interface Fragment {
  readonly id: number;
  /** Octets. */
  readonly offset: number;
  readonly isLast: boolean;
}

export const UDP_HEADER_BYTES = 8;
const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const FRAGMENT_HEADER = 44;
const FRAGMENT_HEADER_BYTES = 8;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

/** Undefined: nothing that the engine takes out. */
export function readClientPacket(packet: Uint8Array): ClientPacket | undefined {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4 && packet.length >= IPV4_HEADER_BYTES) return readIpv4(packet);
  return version === 6 && packet.length >= IPV6_HEADER_BYTES ? readIpv6(packet) : undefined;
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}

function readIpv4(packet: Uint8Array): ClientPacket | undefined {
  const view = viewOf(packet);
  const headerBytes = (view.getUint8(0) & 15) * 4;
  const total = view.getUint16(2);
  if (headerBytes < IPV4_HEADER_BYTES || total < headerBytes || total > packet.length) return undefined;
  const field = view.getUint16(6);
  const offset = (field & OFFSET_MASK) * 8;
  const isLast = (field & MORE_FRAGMENTS) === 0;
  return {
    family: 4,
    protocol: view.getUint8(9),
    source: formatAddress(packet.subarray(12, 16)),
    destination: formatAddress(packet.subarray(16, 20)),
    hops: view.getUint8(8),
    tos: view.getUint8(1),
    dontFragment: (field & DONT_FRAGMENT) !== 0,
    fragment: offset === 0 && isLast ? undefined : { id: view.getUint16(4), offset, isLast },
    body: packet.subarray(headerBytes, total),
  };
}

function readIpv6(packet: Uint8Array): ClientPacket | undefined {
  const view = viewOf(packet);
  const total = IPV6_HEADER_BYTES + view.getUint16(4);
  if (total > packet.length) return undefined;
  const next = view.getUint8(6);
  const isFragment = next === FRAGMENT_HEADER;
  if (isFragment && total < IPV6_HEADER_BYTES + FRAGMENT_HEADER_BYTES) return undefined;
  const behind = packet.subarray(IPV6_HEADER_BYTES, total);
  const field = isFragment ? view.getUint16(IPV6_HEADER_BYTES + 2) : 0;
  return {
    family: 6,
    protocol: isFragment ? view.getUint8(IPV6_HEADER_BYTES) : next,
    source: formatAddress(packet.subarray(8, 24)),
    destination: formatAddress(packet.subarray(24, 40)),
    hops: view.getUint8(7),
    tos: (view.getUint16(0) >> 4) & 0xff,
    dontFragment: !isFragment,
    fragment: isFragment
      ? { id: view.getUint32(IPV6_HEADER_BYTES + 4), offset: field & 0xfff8, isLast: (field & 1) === 0 }
      : undefined,
    body: isFragment ? behind.subarray(FRAGMENT_HEADER_BYTES) : behind,
  };
}

/** Who sends a whole UDP datagram, and to whom. */
export function endsOf({ source, destination, body }: ClientPacket): {
  readonly client: SocketAddress;
  readonly server: SocketAddress;
} {
  const port = (at: number): number => ((body[at] ?? 0) << 8) | (body[at + 1] ?? 0);
  return { client: { address: source, port: port(0) }, server: { address: destination, port: port(2) } };
}
