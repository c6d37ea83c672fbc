// Cuts a packet into fragments: RFC 791 section 3.2, RFC 8200 section 4.5.
import { internetChecksum } from "./checksum.ts";
import { decodePacket } from "./decode.ts";
import { checkedField, WireError } from "./errors.ts";
import { fragmentHeader } from "./ip-packet.ts";
import { be16, concat, octetAt, setBe16, setOctet, zeroPadded } from "./octets.ts";
import {
  HEADER_DESTINATION,
  HEADER_FRAGMENT,
  HEADER_HOP_BY_HOP,
  HEADER_ROUTING,
  IPV4_HEADER_BYTES,
  IPV6_HEADER_BYTES,
} from "./protocol.ts";

const OPTION_END = 0;
const OPTION_NOP = 1;
/** The bit of an IPv4 option that says: stands in every fragment. */
const OPTION_COPIED = 0x80;

/**
 * The packet in pieces: each size cuts one fragment of so many octets, what is left over is one more. All but the
 * last must be multiples of eight. No size at all yields the packet itself in IPv4, an atomic fragment in IPv6.
 * @param id identification of the IPv6 fragment header; IPv4 fragments keep the packet's own
 * @throws WireError E_WIRE_FIELD: malformed packet, IPv6 packet that is a fragment already, sizes that do not fit
 */
export function fragmentsOf(packet: Uint8Array, sizes: readonly number[], id = 1): Uint8Array[] {
  const { family, fragment, totalBytes } = decodePacket(packet);
  if (family === 0) throw new WireError("E_WIRE_FIELD", "packet to fragment must be readable, found a malformed one");
  const whole = packet.slice(0, totalBytes);
  if (family === 4) return ipv4Fragments(whole, sizes);
  if (fragment) throw new WireError("E_WIRE_FIELD", "IPv6 packet to fragment must be whole, found a fragment");
  return ipv6Fragments(whole, sizes, id);
}

function ipv4Fragments(packet: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  if (sizes.length === 0) return [packet];
  const headerBytes = (octetAt(packet, 0) & 15) * 4;
  const header = packet.slice(0, headerBytes);
  const laterHeader = concat(header.slice(0, IPV4_HEADER_BYTES), copiedOptions(header.slice(IPV4_HEADER_BYTES)));
  const base = be16(packet, 6) & 0x1fff;
  const lastOfAll = (be16(packet, 6) & 0x2000) === 0;
  return cut(packet.slice(headerBytes), sizes).map(({ octets, at, last }) => {
    const fragment = concat(at === 0 ? header : laterHeader, octets);
    const own = at === 0 ? header.length : laterHeader.length;
    setOctet(fragment, 0, 0x40 | (own / 4));
    setBe16(fragment, 2, fragment.length);
    const offset = checkedField("fragment offset", base + at / 8, 0x1fff);
    setBe16(fragment, 6, offset | (last && lastOfAll ? 0 : 0x2000));
    setBe16(fragment, 10, 0);
    setBe16(fragment, 10, internetChecksum(fragment.subarray(0, own)));
    return fragment;
  });
}

function copiedOptions(options: Uint8Array): Uint8Array {
  const copied: Uint8Array[] = [];
  for (let at = 0; at < options.length;) {
    const kind = octetAt(options, at);
    if (kind === OPTION_END) break;
    const bytes = kind === OPTION_NOP ? 1 : (options[at + 1] ?? 0);
    // An option without a sane length ends the list: nothing behind it can be found.
    if (bytes === 0 || (kind !== OPTION_NOP && bytes < 2) || at + bytes > options.length) break;
    if ((kind & OPTION_COPIED) !== 0) copied.push(options.slice(at, at + bytes));
    at += bytes;
  }
  return zeroPadded(concat(...copied), 4);
}

function ipv6Fragments(packet: Uint8Array, sizes: readonly number[], id: number): Uint8Array[] {
  const { bytes, nextAt } = unfragmentablePart(packet);
  const next = octetAt(packet, nextAt);
  const head = packet.slice(0, bytes);
  setOctet(head, nextAt, HEADER_FRAGMENT);
  return cut(packet.slice(bytes), sizes).map(({ octets, at, last }) => {
    const extension = fragmentHeader(checkedField("fragment offset", at / 8, 0x1fff), !last, id);
    const fragment = concat(head, next, 0, extension.data, octets);
    setBe16(fragment, 4, checkedField("payload length", fragment.length - IPV6_HEADER_BYTES, 0xffff));
    return fragment;
  });
}

/** Up to and with the routing header, else hop-by-hop, else the IPv6 header; and where the next one is named. */
function unfragmentablePart(packet: Uint8Array): {
  readonly bytes: number;
  readonly nextAt: number;
} {
  const leading = [HEADER_HOP_BY_HOP, HEADER_DESTINATION, HEADER_ROUTING];
  let part = { bytes: IPV6_HEADER_BYTES, nextAt: 6 };
  let at = IPV6_HEADER_BYTES;
  let header = octetAt(packet, 6);
  while (leading.includes(header) && at + 8 <= packet.length) {
    const nextAt = at;
    at += (octetAt(packet, at + 1) + 1) * 8;
    // Destination options count only when a routing header follows them.
    if (header !== HEADER_DESTINATION) part = { bytes: at, nextAt };
    if (header === HEADER_ROUTING || at > packet.length) break;
    header = octetAt(packet, nextAt);
  }
  return part;
}

interface Piece {
  readonly octets: Uint8Array;
  readonly at: number;
  readonly last: boolean;
}

function cut(octets: Uint8Array, sizes: readonly number[]): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const size of sizes) {
    checkedField("fragment size", size, octets.length - at);
    const last = at + size === octets.length;
    if (size === 0 || (!last && size % 8 !== 0)) {
      throw new WireError("E_WIRE_FIELD", `fragment size must be a multiple of 8 above 0, found ${size}`);
    }
    pieces.push({ octets: octets.slice(at, at + size), at, last });
    at += size;
  }
  if (at < octets.length || pieces.length === 0) pieces.push({ octets: octets.slice(at), at, last: true });
  return pieces;
}
