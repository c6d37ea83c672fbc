// Addresses as text: dotted decimal, and RFC 4291 section 2.2 read, RFC 5952 written.
import { WireError } from "./errors.ts";
import { be16, concat, word } from "./octets.ts";

const GROUPS = 8;

/**
 * The 4 or 16 octets of an address. Strict: four decimal numbers without leading zeros, or IPv6 without a zone.
 * @throws WireError E_WIRE_ADDRESS
 */
export function parseAddress(text: string): Uint8Array {
  const octets = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  if (octets) return octets;
  throw new WireError("E_WIRE_ADDRESS", `address must be IPv4 or IPv6 text, found ${JSON.stringify(text)}`);
}

/**
 * The text of 4 or 16 octets, the one that RFC 5952 recommends.
 * @throws WireError E_WIRE_ADDRESS when there are not 4 or 16
 */
export function formatAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join(".");
  if (octets.length === 16) return formatIpv6(octets);
  throw new WireError("E_WIRE_ADDRESS", `address must have 4 or 16 octets, found ${octets.length}`);
}

/** `192.0.2.7:443`, `[2001:db8::7]:443` */
export function formatEndpoint(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * Address and port of `192.0.2.7:443` or `[2001:db8::7]:443`.
 * @throws WireError E_WIRE_ADDRESS
 */
export function parseEndpoint(text: string): { readonly address: string; readonly port: number } {
  const match = /^(?:\[([^\]]*:[^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (address === undefined || port > 0xffff) {
    throw new WireError("E_WIRE_ADDRESS", `endpoint must be address:port or [address]:port, found ${text}`);
  }
  parseAddress(address);
  return { address, port };
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const valid = parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
  return valid ? Uint8Array.from(parts, Number) : undefined;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [left, right] = halves;
  const head = parseGroups(left ?? "", right === undefined);
  if (right === undefined) return head?.length === 16 ? head : undefined;
  const tail = parseGroups(right, true);
  // The two colons stand for at least one group.
  if (!head || !tail || head.length + tail.length > 14) return undefined;
  return concat(head, new Uint8Array(16 - head.length - tail.length), tail);
}

/** Groups between colons; only the last ones of an address may be dotted. */
function parseGroups(text: string, dottedTail: boolean): Uint8Array | undefined {
  if (text === "") return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      parts.push(word(Number.parseInt(group, 16)));
      continue;
    }
    const dotted = dottedTail && index === groups.length - 1 ? parseIpv4(group) : undefined;
    if (!dotted) return undefined;
    parts.push(dotted);
  }
  return concat(...parts);
}

function formatIpv6(octets: Uint8Array): string {
  const groups: number[] = [];
  for (let at = 0; at < 2 * GROUPS; at += 2) groups.push(be16(octets, at));
  const { first, count } = longestZeroRun(groups);
  const isMapped = first === 0 && count === 5 && groups[5] === 0xffff;
  if (isMapped) return `::ffff:${octets.slice(12).join(".")}`;
  const texts = groups.map((group) => group.toString(16));
  if (count < 2) return texts.join(":");
  return `${texts.slice(0, first).join(":")}::${texts.slice(first + count).join(":")}`;
}

function longestZeroRun(groups: readonly number[]): {
  readonly first: number;
  readonly count: number;
} {
  let best = { first: 0, count: 0 };
  for (let first = 0; first < groups.length; first += 1) {
    let count = 0;
    while (groups[first + count] === 0) count += 1;
    if (count > best.count) best = { first, count };
  }
  return best;
}
