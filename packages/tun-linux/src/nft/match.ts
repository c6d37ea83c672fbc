// What rules say about packets, as lists of expressions: the sentences above the words of expression.ts.
import { IFNAMSIZ, NFPROTO_IPV4, NFPROTO_IPV6 } from "./constants.ts";
import { NFT_META_L4PROTO, NFT_META_MARK, NFT_META_NFPROTO, NFT_META_OIFNAME } from "./constants.ts";
import { NFT_META_IIFNAME, NFT_META_SKGID, NFT_META_SKUID } from "./constants.ts";
import {
  bitwise,
  differs,
  equals,
  isInSet,
  loadCgroup,
  loadMeta,
  loadPayload,
  loadWayOut,
  PayloadBase,
  storeMeta,
  toNetworkOrder,
  type Expression,
} from "./expression.ts";

// linux/in.h
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
// linux/icmp.h, linux/icmpv6.h
const ICMP_ECHO = 8;
const ICMPV6_ECHO_REQUEST = 128;
/** The same place in both: RFC 9293 section 3.1, RFC 768. */
const DESTINATION_PORT_AT = 2;
const SOURCE_PORT_AT = 0;
/** RFC 9293 section 3.1 */
const TCP_FLAGS_AT = 13;
const TCP_SYN = 0x02;
const TCP_ACK = 0x10;

interface FamilyNumbers {
  readonly protocol: number;
  /** Where the destination stands in the header, RFC 791 section 3.1 and RFC 8200 section 3. */
  readonly destinationAt: number;
  readonly addressBytes: number;
}

const FAMILIES: Readonly<Record<4 | 6, FamilyNumbers>> = {
  4: { protocol: NFPROTO_IPV4, destinationAt: 16, addressBytes: 4 },
  6: { protocol: NFPROTO_IPV6, destinationAt: 24, addressBytes: 16 },
};

/** `meta mark & bits == bits` */
export function markHas(bits: number): Expression[] {
  return [loadMeta(NFT_META_MARK), bitwise(machine32(bits), machine32(0)), equals(machine32(bits))];
}

/** `meta mark set meta mark | bits` */
export function addMark(bits: number): Expression[] {
  return [loadMeta(NFT_META_MARK), bitwise(machine32(~bits), machine32(bits)), storeMeta(NFT_META_MARK)];
}

/** The packet leaves by none of these interfaces. */
export function leavesByNone(interfaceNames: readonly string[]): Expression[] {
  return interfaceNames.flatMap((name) => [loadMeta(NFT_META_OIFNAME), differs(paddedName(name))]);
}

/** The packet arrived by none of these interfaces. */
export function arrivesByNone(interfaceNames: readonly string[]): Expression[] {
  return interfaceNames.flatMap((name) => [loadMeta(NFT_META_IIFNAME), differs(paddedName(name))]);
}

/** `fib daddr oifname != name …`: the routes lead the packet out by none of these interfaces. */
export function isRoutedByNone(interfaceNames: readonly string[]): Expression[] {
  return interfaceNames.flatMap((name) => [loadWayOut(), differs(paddedName(name))]);
}

/** `meta mark & bits != 0` */
export function markHasAny(bits: number): Expression[] {
  return [loadMeta(NFT_META_MARK), bitwise(machine32(bits), machine32(0)), differs(machine32(0))];
}

/** `meta l4proto != tcp` */
export function isNotTcp(): Expression[] {
  return [loadMeta(NFT_META_L4PROTO), differs(Uint8Array.of(IPPROTO_TCP))];
}

/** `meta l4proto tcp` */
export function isTcp(): Expression[] {
  return [loadMeta(NFT_META_L4PROTO), equals(Uint8Array.of(IPPROTO_TCP))];
}

/** `meta l4proto udp` */
export function isUdp(): Expression[] {
  return [loadMeta(NFT_META_L4PROTO), equals(Uint8Array.of(IPPROTO_UDP))];
}

/** `icmp type echo-request`, `icmpv6 type echo-request`: RFC 792, RFC 4443 section 4.1 */
export function isEchoRequest(family: 4 | 6): Expression[] {
  const [protocol, type] = family === 4 ? [IPPROTO_ICMP, ICMP_ECHO] : [IPPROTO_ICMPV6, ICMPV6_ECHO_REQUEST];
  return [
    loadMeta(NFT_META_L4PROTO),
    equals(Uint8Array.of(protocol)),
    loadPayload(PayloadBase.Transport, 0, 1),
    equals(Uint8Array.of(type)),
  ];
}

/** `tcp flags & (syn | ack) == syn`, where it is known to be TCP */
export function opensConnection(): Expression[] {
  return [
    loadPayload(PayloadBase.Transport, TCP_FLAGS_AT, 1),
    bitwise(Uint8Array.of(TCP_SYN | TCP_ACK), Uint8Array.of(0)),
    equals(Uint8Array.of(TCP_SYN)),
  ];
}

/** `ip daddr address/length` or `ip6 daddr address/length` */
export function goesTo(family: 4 | 6, address: Uint8Array, prefixLength: number): Expression[] {
  const { protocol, destinationAt, addressBytes } = FAMILIES[family];
  if (address.length !== addressBytes) {
    throw new RangeError(`IPv${family} address: expected ${addressBytes} octets, found ${address.length}`);
  }
  const mask = prefixMask(prefixLength, addressBytes);
  return [
    loadMeta(NFT_META_NFPROTO),
    equals(Uint8Array.of(protocol)),
    loadPayload(PayloadBase.Network, destinationAt, addressBytes),
    bitwise(mask, new Uint8Array(addressBytes)),
    equals(address.map((octet, index) => octet & (mask[index] ?? 0))),
  ];
}

/** `ip daddr @set` or `ip6 daddr @set` */
export function goesIntoSet(family: 4 | 6, set: string): Expression[] {
  const { protocol, destinationAt, addressBytes } = FAMILIES[family];
  return [
    loadMeta(NFT_META_NFPROTO),
    equals(Uint8Array.of(protocol)),
    loadPayload(PayloadBase.Network, destinationAt, addressBytes),
    isInSet(set),
  ];
}

/** `th dport @set`, where it is known to be TCP or UDP */
export function hasPortOfSet(set: string): Expression[] {
  return [loadPayload(PayloadBase.Transport, DESTINATION_PORT_AT, 2), isInSet(set)];
}

/** `th sport @set`, where it is known to be TCP or UDP */
export function hasSourcePortOfSet(set: string): Expression[] {
  return [loadPayload(PayloadBase.Transport, SOURCE_PORT_AT, 2), isInSet(set)];
}

/** `meta skuid @set`, `meta skgid @set`. Packets without a socket match neither this nor its inversion. */
export function isOwnedBySet(owner: "user" | "group", set: string, inverted = false): Expression[] {
  return [loadMeta(owner === "user" ? NFT_META_SKUID : NFT_META_SKGID), toNetworkOrder(), isInSet(set, inverted)];
}

/** The packet's socket is in this control group, version 2, or in one below it. */
export function isInCgroup(id: bigint, level: number): Expression[] {
  const octets = new Uint8Array(8);
  new DataView(octets.buffer).setBigUint64(0, id, true);
  return [loadCgroup(level), equals(octets)];
}

/** The packet leaves by this interface. */
export function leavesBy(interfaceName: string): Expression[] {
  return [loadMeta(NFT_META_OIFNAME), equals(paddedName(interfaceName))];
}

/** `meta mark & bits != bits`, for a single bit */
export function markLacks(bit: number): Expression[] {
  return [loadMeta(NFT_META_MARK), bitwise(machine32(bit), machine32(0)), equals(machine32(0))];
}

/** `th dport port`, where it is known to be TCP or UDP */
export function hasDestinationPort(port: number): Expression[] {
  return [
    loadPayload(PayloadBase.Transport, DESTINATION_PORT_AT, 2),
    equals(Uint8Array.of((port >>> 8) & 0xff, port & 0xff)),
  ];
}

/** What the segment or datagram carries has these octets at this offset. */
export function carries(offset: number, octets: Uint8Array): Expression[] {
  return [loadPayload(PayloadBase.Inner, offset, octets.length), equals(octets)];
}

/** The same where only the bits of the mask count. */
export function carriesBits(offset: number, mask: Uint8Array, octets: Uint8Array): Expression[] {
  return [
    loadPayload(PayloadBase.Inner, offset, octets.length),
    bitwise(mask, new Uint8Array(mask.length)),
    equals(octets),
  ];
}

/** Marks are numbers of the machine, and every machine that Bun runs on is little-endian. */
function machine32(value: number): Uint8Array {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, value >>> 0, true);
  return octets;
}

function paddedName(name: string): Uint8Array {
  const octets = new TextEncoder().encode(name);
  if (octets.length < 1 || octets.length >= IFNAMSIZ) {
    throw new RangeError(`interface name "${name}": expected 1…${IFNAMSIZ - 1} octets, found ${octets.length}`);
  }
  const padded = new Uint8Array(IFNAMSIZ);
  padded.set(octets);
  return padded;
}

function prefixMask(prefixLength: number, addressBytes: number): Uint8Array {
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > addressBytes * 8) {
    throw new RangeError(`prefix length: expected 0…${addressBytes * 8}, found ${prefixLength}`);
  }
  return Uint8Array.from({ length: addressBytes }, (_, index) => {
    const bits = Math.min(8, Math.max(0, prefixLength - index * 8));
    return (0xff << (8 - bits)) & 0xff;
  });
}
