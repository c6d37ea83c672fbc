// Which routes lead everything into a device but what is left alone. They are more specific than a default route, which
// stays as it is: what has none of them goes as ever, follows every change of the network, and nothing has to be put
// back, for they vanish with the device.
import { formatAddress, parseAddress } from "@bunnel/wire";

/** Both ends included. */
export interface AddressRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** Systems look a table through for each packet, and each route is a call of its own. */
export const ROUTES_MAX = 1024;

/**
 * What is covered: half and half of IPv4, and of IPv6 what is given out as global unicast (RFC 4291 section 2.4, RFC
 * 6052 section 2.1 for NAT64).
 */
const COVERED = {
  4: ["0.0.0.0/1", "128.0.0.0/1"],
  6: ["2000::/3", "64:ff9b::/96"],
} as const;

/**
 * This network, private, loopback, link-local, multicast and reserved destinations: RFC 1122 section 3.2.1.3, RFC 1918,
 * RFC 3927, RFC 5771 with what lies above it. Of IPv6 none of these is covered in the first place.
 */
export const LEFT_ALONE: readonly string[] = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "224.0.0.0/3",
];

/** Reads "203.0.113.0/24", "203.0.113.0-203.0.113.9" and "203.0.113.9". @throws WireError when an address is none */
export function readRange(text: string): AddressRange & { readonly family: 4 | 6 } {
  const [from = "", to = from] = text.split("-");
  const [address = "", length] = from.split("/");
  const octets = parseAddress(address);
  const bits = octets.length * 8;
  const family = bits === 32 ? 4 : 6;
  if (length === undefined) return { family, first: numberOf(octets), last: numberOf(parseAddress(to)) };
  const hosts = (1n << BigInt(bits - Number(length))) - 1n;
  const first = numberOf(octets) & ~hosts;
  return { family, first, last: first | hosts };
}

/** The routes of a family, as prefixes in order; none of them has anything in common with what is left alone. */
export function coveringRoutes(family: 4 | 6, leftAlone: readonly string[]): string[] {
  const ranges = leftAlone.map(readRange).filter((range) => range.family === family);
  return COVERED[family].flatMap((text) => {
    const { first } = readRange(text);
    return covering({ bits: family === 4 ? 32 : 128, first, length: Number(text.split("/")[1]) }, ranges);
  });
}

interface Prefix {
  /** Of an address of the family. */
  readonly bits: number;
  readonly first: bigint;
  readonly length: number;
}

/** Half by half, down to what is wholly in or wholly out. */
function covering(prefix: Prefix, ranges: readonly AddressRange[]): string[] {
  const { bits, first, length } = prefix;
  const last = first + (1n << BigInt(bits - length)) - 1n;
  const touching = ranges.filter((range) => range.first <= last && range.last >= first);
  if (touching.length === 0) return [`${formatAddress(octetsOf(first, bits / 8))}/${length}`];
  if (touching.some((range) => range.first <= first && range.last >= last)) return [];
  const half = 1n << BigInt(bits - length - 1);
  return [first, first + half].flatMap((from) => covering({ bits, first: from, length: length + 1 }, touching));
}

function numberOf(octets: Uint8Array): bigint {
  return octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
}

function octetsOf(value: bigint, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, at) => Number((value >> BigInt(8 * (bytes - 1 - at))) & 0xffn));
}
