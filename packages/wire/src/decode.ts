// One packet to its fields. The engine parses by the same rules and is tested against this:
//   1. the IP header must hold, and name no more octets than there are
//   2. IPv6 extension headers are followed, a few at most
//   3. a later fragment ends here: it has no transport header
//   4. ports, flags and numbers of TCP, UDP and ICMP; other protocols are payload
// Sources: RFC 791 section 3.1, RFC 8200 sections 3 and 4, RFC 4302 section 2, RFC 9293, RFC 768, RFC 792, RFC 4443.
import { EXTENSION_HEADERS_MAX, PACKET_MAX_BYTES } from "@bunnel/abi";
import { formatAddress } from "./address.ts";
import { be16, be32, octetAt } from "./octets.ts";
import {
  HEADER_AUTHENTICATION,
  HEADER_DESTINATION,
  HEADER_FRAGMENT,
  HEADER_HIP,
  HEADER_HOP_BY_HOP,
  HEADER_MOBILITY,
  HEADER_ROUTING,
  HEADER_SHIM6,
  ICMP_HEADER_BYTES,
  IPV4_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  TCP_HEADER_BYTES,
  UDP_HEADER_BYTES,
} from "./protocol.ts";
import type { DecodedPacket } from "./types.ts";

/** Extension headers of the common form: next header, length in units of eight octets behind the first eight. */
const PLAIN_EXTENSIONS: readonly number[] = [
  HEADER_HOP_BY_HOP,
  HEADER_ROUTING,
  HEADER_DESTINATION,
  HEADER_MOBILITY,
  HEADER_HIP,
  HEADER_SHIM6,
];

interface IpPart {
  readonly family: 4 | 6;
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  readonly hopLimit: number;
  readonly id: number;
  readonly l4Offset: number;
  readonly totalBytes: number;
  readonly fragment: boolean;
  readonly fragmentOffset: number;
  readonly moreFragments: boolean;
}

type TransportPart = Pick<
  DecodedPacket,
  "payloadOffset" | "payloadBytes" | "sourcePort" | "destinationPort" | "seq" | "ack" | "tcpFlags"
>;

/** Reads one packet; octets behind its own length are not looked at. Never throws: what cannot be read has family 0. */
export function decodePacket(octets: Uint8Array): DecodedPacket {
  const ip = decodeIp(octets);
  const transport = ip && decodeTransport(octets, ip);
  if (!ip || !transport) return malformed();
  const { payloadOffset, payloadBytes } = transport;
  return {
    ...ip,
    ...transport,
    payload: octets.slice(payloadOffset, payloadOffset + payloadBytes),
  };
}

function decodeIp(octets: Uint8Array): IpPart | undefined {
  if (octets.length < IPV4_HEADER_BYTES) return undefined;
  const version = octetAt(octets, 0) >> 4;
  if (version === 4) return decodeIpv4(octets);
  if (version === 6) return decodeIpv6(octets);
  return undefined;
}

function decodeIpv4(octets: Uint8Array): IpPart | undefined {
  const headerBytes = (octetAt(octets, 0) & 15) * 4;
  const totalBytes = be16(octets, 2);
  if (headerBytes < IPV4_HEADER_BYTES || headerBytes > totalBytes || totalBytes > octets.length) return undefined;
  const moreFragments = (be16(octets, 6) & 0x2000) !== 0;
  const fragmentOffset = be16(octets, 6) & 0x1fff;
  return {
    family: 4,
    protocol: octetAt(octets, 9),
    source: formatAddress(octets.subarray(12, 16)),
    destination: formatAddress(octets.subarray(16, 20)),
    hopLimit: octetAt(octets, 8),
    id: be16(octets, 4),
    l4Offset: headerBytes,
    totalBytes,
    fragment: moreFragments || fragmentOffset !== 0,
    fragmentOffset,
    moreFragments,
  };
}

function decodeIpv6(octets: Uint8Array): IpPart | undefined {
  if (octets.length < IPV6_HEADER_BYTES) return undefined;
  const totalBytes = be16(octets, 4) + IPV6_HEADER_BYTES;
  if (totalBytes > octets.length || totalBytes > PACKET_MAX_BYTES) return undefined;
  const walked = walkExtensions(octets, totalBytes);
  if (!walked) return undefined;
  return {
    family: 6,
    source: formatAddress(octets.subarray(8, 24)),
    destination: formatAddress(octets.subarray(24, 40)),
    hopLimit: octetAt(octets, 7),
    id: 0,
    totalBytes,
    ...walked,
  };
}

type Walked = Pick<IpPart, "protocol" | "l4Offset" | "fragment" | "fragmentOffset" | "moreFragments">;

/** Follows the extension headers; of several fragment headers the last one seen holds. */
function walkExtensions(octets: Uint8Array, totalBytes: number): Walked | undefined {
  let protocol = octetAt(octets, 6);
  let l4Offset = IPV6_HEADER_BYTES;
  let fragment = false;
  let fragmentOffset = 0;
  let moreFragments = false;
  for (let walked = 0; walked < EXTENSION_HEADERS_MAX && fragmentOffset === 0; walked += 1) {
    const plain = PLAIN_EXTENSIONS.includes(protocol);
    if (!plain && protocol !== HEADER_AUTHENTICATION && protocol !== HEADER_FRAGMENT) break;
    if (l4Offset + 8 > totalBytes) return undefined;
    const next = octetAt(octets, l4Offset);
    const length = octetAt(octets, l4Offset + 1);
    if (plain) {
      l4Offset += (length + 1) * 8;
    } else if (protocol === HEADER_AUTHENTICATION) {
      l4Offset += (length + 2) * 4;
    } else {
      const word = be16(octets, l4Offset + 2);
      fragment = true;
      fragmentOffset = word >> 3;
      moreFragments = (word & 1) !== 0;
      l4Offset += 8;
    }
    if (l4Offset > totalBytes) return undefined;
    protocol = next;
  }
  return { protocol, l4Offset, fragment, fragmentOffset, moreFragments };
}

/** Undefined: the transport header does not fit. In a first fragment that is no fault: the rest of it comes later. */
function decodeTransport(octets: Uint8Array, ip: IpPart): TransportPart | undefined {
  if (ip.fragmentOffset !== 0) return opaque(ip);
  const part = decodeKnownTransport(octets, ip);
  return part ?? (ip.fragment ? opaque(ip) : undefined);
}

function decodeKnownTransport(octets: Uint8Array, ip: IpPart): TransportPart | undefined {
  if (ip.protocol === PROTOCOL_TCP) return decodeTcp(octets, ip);
  if (ip.protocol === PROTOCOL_UDP) return decodeUdp(octets, ip);
  if (ip.protocol === (ip.family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6)) return decodeIcmp(ip);
  return opaque(ip);
}

function opaque({ l4Offset, totalBytes }: IpPart): TransportPart {
  return { ...NO_TRANSPORT, payloadOffset: l4Offset, payloadBytes: totalBytes - l4Offset };
}

function decodeTcp(octets: Uint8Array, { l4Offset, totalBytes }: IpPart): TransportPart | undefined {
  if (l4Offset + TCP_HEADER_BYTES > totalBytes) return undefined;
  const headerBytes = (octetAt(octets, l4Offset + 12) >> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES || l4Offset + headerBytes > totalBytes) return undefined;
  return {
    sourcePort: be16(octets, l4Offset),
    destinationPort: be16(octets, l4Offset + 2),
    seq: be32(octets, l4Offset + 4),
    ack: be32(octets, l4Offset + 8),
    tcpFlags: octetAt(octets, l4Offset + 13),
    payloadOffset: l4Offset + headerBytes,
    payloadBytes: totalBytes - l4Offset - headerBytes,
  };
}

function decodeUdp(octets: Uint8Array, { l4Offset, totalBytes, fragment }: IpPart): TransportPart | undefined {
  const available = totalBytes - l4Offset;
  if (available < UDP_HEADER_BYTES) return undefined;
  // The length in a first fragment speaks of the whole datagram.
  const udpBytes = fragment ? available : be16(octets, l4Offset + 4);
  if (udpBytes < UDP_HEADER_BYTES || udpBytes > available) return undefined;
  return {
    ...NO_TRANSPORT,
    sourcePort: be16(octets, l4Offset),
    destinationPort: be16(octets, l4Offset + 2),
    payloadOffset: l4Offset + UDP_HEADER_BYTES,
    payloadBytes: udpBytes - UDP_HEADER_BYTES,
  };
}

function decodeIcmp({ l4Offset, totalBytes }: IpPart): TransportPart | undefined {
  if (l4Offset + ICMP_HEADER_BYTES > totalBytes) return undefined;
  const payloadOffset = l4Offset + ICMP_HEADER_BYTES;
  return { ...NO_TRANSPORT, payloadOffset, payloadBytes: totalBytes - payloadOffset };
}

const NO_TRANSPORT: TransportPart = {
  payloadOffset: 0,
  payloadBytes: 0,
  sourcePort: 0,
  destinationPort: 0,
  seq: 0,
  ack: 0,
  tcpFlags: 0,
};

function malformed(): DecodedPacket {
  return {
    ...NO_TRANSPORT,
    family: 0,
    protocol: 0,
    source: "",
    destination: "",
    hopLimit: 0,
    id: 0,
    l4Offset: 0,
    totalBytes: 0,
    fragment: false,
    fragmentOffset: 0,
    moreFragments: false,
    payload: new Uint8Array(0),
  };
}
