// TCP segments, UDP datagrams and ICMP echoes in their IP packets, with right lengths and checksums.
import { internetChecksum, pseudoHeaderSum } from "./checksum.ts";
import { checkedField } from "./errors.ts";
import { addressesOf, familyOf, ipPacket, type IpFields } from "./ip-packet.ts";
import { concat, setBe16, setBe32, setOctet, zeroPadded } from "./octets.ts";
import {
  ICMP_CHECKSUM_OFFSET,
  ICMP_HEADER_BYTES,
  parseTcpFlags,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  TCP_ACK,
  TCP_CHECKSUM_OFFSET,
  TCP_HEADER_BYTES,
  UDP_CHECKSUM_OFFSET,
  UDP_HEADER_BYTES,
} from "./protocol.ts";

const EMPTY = new Uint8Array(0);

export interface TcpFields extends IpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Default 1. */
  readonly seq?: number;
  /** Default 1 with the ACK flag, else 0. */
  readonly ack?: number;
  /** `"PA"` or bits. Default `"PA"` with payload, else `"A"`. */
  readonly flags?: string | number;
  /** Default 64240. */
  readonly window?: number;
  readonly urgent?: number;
  /** As `tcpOptions` makes them; padded with zeros (end of option list) to a whole number of words. */
  readonly options?: Uint8Array;
  readonly payload?: Uint8Array;
  /** Written as it is, in place of the right one. */
  readonly checksum?: number;
}

/**
 * A TCP segment (RFC 9293 section 3.1) in its packet.
 * @throws WireError E_WIRE_FIELD, E_WIRE_ADDRESS
 */
export function tcpPacket(fields: TcpFields): Uint8Array {
  const payload = fields.payload ?? EMPTY;
  const options = zeroPadded(fields.options ?? EMPTY, 4);
  const flags = parseTcpFlags(fields.flags ?? (payload.length > 0 ? "PA" : "A"));
  const header = new Uint8Array(TCP_HEADER_BYTES + checkedField("octets of TCP options", options.length, 40));
  setPorts(header, fields);
  setBe32(header, 4, checkedField("seq", fields.seq ?? 1, 0xffffffff));
  setBe32(header, 8, checkedField("ack", fields.ack ?? ((flags & TCP_ACK) !== 0 ? 1 : 0), 0xffffffff));
  setOctet(header, 12, (header.length / 4) << 4);
  setOctet(header, 13, flags);
  setBe16(header, 14, checkedField("window", fields.window ?? 64240, 0xffff));
  setBe16(header, 18, checkedField("urgent", fields.urgent ?? 0, 0xffff));
  header.set(options, TCP_HEADER_BYTES);
  const segment = concat(header, payload);
  const checksum = fields.checksum ?? transportChecksum(fields, PROTOCOL_TCP, segment);
  setBe16(segment, TCP_CHECKSUM_OFFSET, checkedField("checksum", checksum, 0xffff));
  return ipPacket({ ...fields, protocol: PROTOCOL_TCP, payload: segment });
}

export interface UdpFields extends IpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload?: Uint8Array;
  /** Written as it is, in place of the right one; 0 means: sent without. */
  readonly checksum?: number;
}

/**
 * A UDP datagram (RFC 768) in its packet.
 * @throws WireError E_WIRE_FIELD, E_WIRE_ADDRESS
 */
export function udpPacket(fields: UdpFields): Uint8Array {
  const datagram = concat(new Uint8Array(UDP_HEADER_BYTES), fields.payload ?? EMPTY);
  setPorts(datagram, fields);
  setBe16(datagram, 4, checkedField("UDP length", datagram.length, 0xffff));
  // A computed zero is sent as all ones, because zero means that there is none.
  const checksum = fields.checksum ?? (transportChecksum(fields, PROTOCOL_UDP, datagram) || 0xffff);
  setBe16(datagram, UDP_CHECKSUM_OFFSET, checkedField("checksum", checksum, 0xffff));
  return ipPacket({ ...fields, protocol: PROTOCOL_UDP, payload: datagram });
}

export interface EchoFields extends IpFields {
  /** Default 1. */
  readonly identifier?: number;
  /** Default 1. */
  readonly sequence?: number;
  /** Default false: a request. */
  readonly reply?: boolean;
  readonly payload?: Uint8Array;
  /** Written as it is, in place of the right one. */
  readonly checksum?: number;
}

/**
 * An echo request or reply of ICMP (RFC 792) or ICMPv6 (RFC 4443 section 4), by the addresses.
 * @throws WireError E_WIRE_FIELD, E_WIRE_ADDRESS
 */
export function icmpEcho(fields: EchoFields): Uint8Array {
  const version6 = familyOf(fields) === 6;
  const message = concat(new Uint8Array(ICMP_HEADER_BYTES), fields.payload ?? EMPTY);
  const reply = fields.reply ?? false;
  const type = version6 ? (reply ? 129 : 128) : reply ? 0 : 8;
  setOctet(message, 0, type);
  setBe16(message, 4, checkedField("identifier", fields.identifier ?? 1, 0xffff));
  setBe16(message, 6, checkedField("sequence", fields.sequence ?? 1, 0xffff));
  const protocol = version6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
  const checksum =
    fields.checksum ?? (version6 ? transportChecksum(fields, protocol, message) : internetChecksum(message));
  setBe16(message, ICMP_CHECKSUM_OFFSET, checkedField("checksum", checksum, 0xffff));
  return ipPacket({ ...fields, protocol, payload: message });
}

function setPorts(header: Uint8Array, fields: { readonly sourcePort: number; readonly destinationPort: number }): void {
  setBe16(header, 0, checkedField("source port", fields.sourcePort, 0xffff));
  setBe16(header, 2, checkedField("destination port", fields.destinationPort, 0xffff));
}

/** Over the transport with zeros in its checksum field. */
function transportChecksum(fields: IpFields, protocol: number, transport: Uint8Array): number {
  const { source, destination } = addressesOf(fields);
  return internetChecksum(transport, pseudoHeaderSum(source, destination, protocol, transport.length));
}
