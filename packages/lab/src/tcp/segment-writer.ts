// Writes the segments of one direction of a connection straight into their packets, octet for octet what `tcpPacket` of
// @bunnel/wire makes of the same fields: a simulation writes millions of them.
import { parseAddress, TCP_HEADER_BYTES } from "@bunnel/wire";
import { folded, wordSum } from "../ip/checksum.ts";
import { copyOf, octetsToFill } from "../lent-octets.ts";
import { flowKey } from "./flow-key.ts";

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const PROTOCOL_TCP = 6;
const HOP_LIMIT = 64;
const NOTHING = new Uint8Array(0);
/** Both headers, with zeros for what a writer or a packet decides. */
const IPV4_HEAD = headOf(IPV4_HEADER_BYTES, [0x45, 0, 0, 0, 0, 0, 0x40, 0, HOP_LIMIT, PROTOCOL_TCP]);
const IPV6_HEAD = headOf(IPV6_HEADER_BYTES, [0x60, 0, 0, 0, 0, 0, PROTOCOL_TCP, HOP_LIMIT]);

function headOf(ipBytes: number, start: readonly number[]): Uint8Array {
  const head = new Uint8Array(ipBytes + TCP_HEADER_BYTES);
  head.set(start);
  return head;
}

export interface SegmentEnds {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export interface SegmentFields {
  readonly seq: number;
  readonly ack: number;
  /** TCP flag bits. */
  readonly flags: number;
  readonly window?: number;
  /** A multiple of four octets, 40 at most. */
  readonly options?: Uint8Array | undefined;
  readonly payload?: Uint8Array | undefined;
  /** Where urgent octets end, counted from `seq`; it goes with the URG flag. Default 0. */
  readonly urgent?: number | undefined;
  /** Default 64. */
  readonly hopLimit?: number | undefined;
  /** IPv4 identification. Default 1. */
  readonly id?: number;
  /** IPv4 only. Default true. */
  readonly dontFragment?: boolean;
}

export class SegmentWriter {
  readonly #head: Uint8Array;
  readonly #ipBytes: number;
  /** Sum of the pseudo-header without the length, and of the ports. */
  readonly #sum: number;

  /** @throws WireError E_WIRE_ADDRESS */
  constructor({ source, destination, sourcePort, destinationPort }: SegmentEnds) {
    const from = addressOctets(source);
    const to = addressOctets(destination);
    const isIpv4 = from.length === 4;
    this.#ipBytes = isIpv4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    const head = copyOf(isIpv4 ? IPV4_HEAD : IPV6_HEAD);
    const addressesAt = isIpv4 ? 12 : 8;
    head.set(from, addressesAt);
    head.set(to, addressesAt + from.length);
    setBe16(head, this.#ipBytes, sourcePort);
    setBe16(head, this.#ipBytes + 2, destinationPort);
    this.#head = head;
    this.#sum = wordSum(head, addressesAt, this.#ipBytes + 4, PROTOCOL_TCP);
  }

  /** The key, as a segment's own, of those that answer the ones that are written here. */
  get answerKey(): string {
    const head = this.#head;
    const at = this.#ipBytes;
    const near = ((head[at + 2] ?? 0) << 8) | (head[at + 3] ?? 0);
    const far = ((head[at] ?? 0) << 8) | (head[at + 1] ?? 0);
    return flowKey(head, at === IPV4_HEADER_BYTES ? 4 : 6, near, far, true);
  }

  write(fields: SegmentFields): Uint8Array {
    const options = fields.options ?? NOTHING;
    const payload = fields.payload ?? NOTHING;
    const ip = this.#ipBytes;
    const tcpBytes = TCP_HEADER_BYTES + options.length + payload.length;
    const packet = octetsToFill(ip + tcpBytes);
    packet.set(this.#head);
    if (ip === IPV4_HEADER_BYTES) {
      setBe16(packet, 2, packet.length);
      setBe16(packet, 4, fields.id ?? 1);
      if (fields.dontFragment === false) packet[6] = 0;
      if (fields.hopLimit !== undefined) packet[8] = fields.hopLimit;
      setBe16(packet, 10, folded(wordSum(packet, 0, IPV4_HEADER_BYTES)) ^ 0xffff);
    } else {
      setBe16(packet, 4, tcpBytes);
      if (fields.hopLimit !== undefined) packet[7] = fields.hopLimit;
    }
    setBe32(packet, ip + 4, fields.seq);
    setBe32(packet, ip + 8, fields.ack);
    packet[ip + 12] = ((TCP_HEADER_BYTES + options.length) / 4) << 4;
    packet[ip + 13] = fields.flags;
    setBe16(packet, ip + 14, fields.window ?? 64240);
    if (fields.urgent !== undefined && fields.urgent > 0) setBe16(packet, ip + 18, fields.urgent);
    if (options.length > 0) packet.set(options, ip + TCP_HEADER_BYTES);
    if (payload.length > 0) packet.set(payload, ip + TCP_HEADER_BYTES + options.length);
    const sum = wordSum(packet, ip + 4, packet.length, this.#sum + tcpBytes);
    setBe16(packet, ip + 16, folded(sum) ^ 0xffff);
    return packet;
  }
}

const addresses = new Map<string, Uint8Array>();
/** Addresses that are kept read. */
const ADDRESSES_MAX = 64;

function addressOctets(text: string): Uint8Array {
  const known = addresses.get(text);
  if (known !== undefined) return known;
  if (addresses.size >= ADDRESSES_MAX) addresses.clear();
  const octets = parseAddress(text);
  addresses.set(text, octets);
  return octets;
}

/** The timestamps option behind two fillers, as Linux sends it: 12 octets. */
export function timestampOption(value: number, echo: number): Uint8Array {
  const octets = octetsToFill(12);
  setBe32(octets, 0, 0x0101_080a);
  setBe32(octets, 4, value);
  setBe32(octets, 8, echo);
  return octets;
}

/** The MSS option and, with a value, timestamps behind it: what a SYN bears here. */
export function synOptions(mssBytes: number, stamp?: Uint8Array): Uint8Array {
  const octets = octetsToFill(stamp === undefined ? 4 : 4 + stamp.length);
  setBe32(octets, 0, 0x0204_0000 + mssBytes);
  if (stamp !== undefined) octets.set(stamp, 4);
  return octets;
}

function setBe16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
}

function setBe32(octets: Uint8Array, at: number, value: number): void {
  setBe16(octets, at, (value >>> 16) & 0xffff);
  setBe16(octets, at + 2, value & 0xffff);
}
