// IP packets from named fields (RFC 791, RFC 8200): lengths and the header checksum come by themselves.
import { parseAddress } from "./address.ts";
import { internetChecksum } from "./checksum.ts";
import { checkedField, WireError } from "./errors.ts";
import { concat, setBe16, setBe32, setOctet, zeroPadded } from "./octets.ts";
import { HEADER_AUTHENTICATION, HEADER_FRAGMENT, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from "./protocol.ts";

/** An IPv6 extension header. */
export interface ExtensionHeader {
  /** Its own number: 0, 43, 44, 51, 60, 135, 139 or 140. */
  readonly protocol: number;
  /** What follows its next-header and length (in a fragment header: reserved) octets; zeros fill it to a whole size. */
  readonly data: Uint8Array;
}

/** What every builder takes of the IP header. The family follows from the addresses. */
export interface IpFields {
  readonly source: string;
  readonly destination: string;
  /** Default 64. */
  readonly hopLimit?: number;
  /** IPv4 identification, or that of the IPv6 fragment header. Default 1. */
  readonly id?: number;
  /** ToS or traffic class. Default 0. */
  readonly tos?: number;
  /** IPv4 only. Default true, in a fragment false. */
  readonly dontFragment?: boolean;
  /** IPv6 only. Default 0. */
  readonly flowLabel?: number;
  /** IPv4 only, padded with zeros (end of option list). */
  readonly ipOptions?: Uint8Array;
  /** IPv6 only, in order of appearance. */
  readonly extensionHeaders?: readonly ExtensionHeader[];
  /** Default false. In IPv6 this or an offset adds a fragment header behind the extension headers. */
  readonly moreFragments?: boolean;
  /** In units of eight octets. Default 0. */
  readonly fragmentOffset?: number;
}

export interface IpPacketFields extends IpFields {
  readonly protocol: number;
  readonly payload: Uint8Array;
}

/**
 * A packet around `payload`.
 * @throws WireError E_WIRE_FIELD, E_WIRE_ADDRESS
 */
export function ipPacket(fields: IpPacketFields): Uint8Array {
  const { source, destination } = addressesOf(fields);
  return source.length === 4 ? ipv4Packet(fields, source, destination) : ipv6Packet(fields, source, destination);
}

/** The octets of both addresses, which must be of one family. */
export function addressesOf(fields: IpFields): {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
} {
  const source = parseAddress(fields.source);
  const destination = parseAddress(fields.destination);
  if (source.length === destination.length) return { source, destination };
  const found = `${fields.source} and ${fields.destination}`;
  throw new WireError("E_WIRE_FIELD", `addresses of a packet must be of one family, found ${found}`);
}

function ipv4Packet(fields: IpPacketFields, source: Uint8Array, destination: Uint8Array): Uint8Array {
  if (fields.extensionHeaders?.length) throw new WireError("E_WIRE_FIELD", "extension headers need IPv6, found IPv4");
  const options = zeroPadded(fields.ipOptions ?? new Uint8Array(0), 4);
  checkedField("octets of IPv4 options", options.length, 40);
  const offset = checkedField("fragment offset", fields.fragmentOffset ?? 0, 0x1fff);
  const more = fields.moreFragments ?? false;
  const dontFragment = fields.dontFragment ?? !(more || offset !== 0);
  const header = new Uint8Array(IPV4_HEADER_BYTES + options.length);
  setOctet(header, 0, 0x40 | (header.length / 4));
  setOctet(header, 1, checkedField("tos", fields.tos ?? 0, 0xff));
  setBe16(header, 2, checkedField("total length", header.length + fields.payload.length, 0xffff));
  setBe16(header, 4, checkedField("id", fields.id ?? 1, 0xffff));
  setBe16(header, 6, (dontFragment ? 0x4000 : 0) | (more ? 0x2000 : 0) | offset);
  setOctet(header, 8, checkedField("hop limit", fields.hopLimit ?? 64, 0xff));
  setOctet(header, 9, checkedField("protocol", fields.protocol, 0xff));
  header.set(source, 12);
  header.set(destination, 16);
  header.set(options, 20);
  setBe16(header, 10, internetChecksum(header));
  return concat(header, fields.payload);
}

function ipv6Packet(fields: IpPacketFields, source: Uint8Array, destination: Uint8Array): Uint8Array {
  if (fields.ipOptions?.length) throw new WireError("E_WIRE_FIELD", "IP options need IPv4, found IPv6");
  const protocol = checkedField("protocol", fields.protocol, 0xff);
  const extensions = extensionChain(extensionsOf(fields), protocol);
  const header = new Uint8Array(IPV6_HEADER_BYTES);
  const tos = checkedField("tos", fields.tos ?? 0, 0xff);
  const flowLabel = checkedField("flow label", fields.flowLabel ?? 0, 0xfffff);
  setBe32(header, 0, 0x60000000 + tos * 0x100000 + flowLabel);
  setBe16(header, 4, checkedField("payload length", extensions.octets.length + fields.payload.length, 0xffff));
  setOctet(header, 6, extensions.first);
  setOctet(header, 7, checkedField("hop limit", fields.hopLimit ?? 64, 0xff));
  header.set(source, 8);
  header.set(destination, 24);
  return concat(header, extensions.octets, fields.payload);
}

function extensionsOf(fields: IpPacketFields): readonly ExtensionHeader[] {
  const offset = checkedField("fragment offset", fields.fragmentOffset ?? 0, 0x1fff);
  const more = fields.moreFragments ?? false;
  const given = fields.extensionHeaders ?? [];
  return more || offset !== 0 ? [...given, fragmentHeader(offset, more, fields.id ?? 1)] : given;
}

/** The fragment header of RFC 8200 section 4.5. `offset` counts units of eight octets. */
export function fragmentHeader(offset: number, moreFragments: boolean, id: number): ExtensionHeader {
  const data = new Uint8Array(6);
  setBe16(data, 0, checkedField("fragment offset", offset, 0x1fff) * 8 + (moreFragments ? 1 : 0));
  setBe32(data, 2, checkedField("id", id, 0xffffffff));
  return { protocol: HEADER_FRAGMENT, data };
}

/** The headers as octets, each naming the next; `first` is the number that the header before them has to name. */
function extensionChain(
  headers: readonly ExtensionHeader[],
  protocol: number,
): { readonly first: number; readonly octets: Uint8Array } {
  const octets = headers.map((header, index) => extensionOctets(header, headers[index + 1]?.protocol ?? protocol));
  return { first: headers[0]?.protocol ?? protocol, octets: concat(...octets) };
}

function extensionOctets({ protocol, data }: ExtensionHeader, next: number): Uint8Array {
  const octets = zeroPadded(concat(next, 0, data), 8);
  if (protocol === HEADER_FRAGMENT) {
    checkedField("octets of a fragment header", octets.length, 8);
  } else {
    // The authentication header counts in fours, less two (RFC 4302 section 2.2).
    const length = protocol === HEADER_AUTHENTICATION ? octets.length / 4 - 2 : octets.length / 8 - 1;
    setOctet(octets, 1, checkedField(`length field of extension header ${protocol}`, length, 0xff));
  }
  return octets;
}

/** 4 or 6, by the addresses. */
export function familyOf(fields: IpFields): 4 | 6 {
  return addressesOf(fields).source.length === 4 ? 4 : 6;
}
