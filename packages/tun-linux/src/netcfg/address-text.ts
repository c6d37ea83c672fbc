// IP addresses and prefixes as text. Strict: one spelling of IPv4 (RFC 6943 section 3.1.1, no octal, no short forms),
// RFC 4291 section 2.2 for IPv6 without a zone; written as RFC 5952 section 4 says.
import { DeviceError } from "@bunnel/device";

/** An address in octets. */
export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16 octets, network order. */
  readonly octets: Uint8Array;
}

/** An address with the length of its network's prefix. */
export interface IpPrefix extends IpAddress {
  readonly prefixLength: number;
}

const GROUPS = 8;

/** @throws DeviceError E_DEVICE_OPTION when the text is no IP address */
export function parseAddress(text: string): IpAddress {
  const octets = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  if (!octets) throw new DeviceError("E_DEVICE_OPTION", `address: expected IPv4 or IPv6, found "${text}"`);
  return { family: octets.length === 4 ? 4 : 6, octets };
}

/**
 * "192.0.2.0/24", or an address alone, which is a prefix of its whole length.
 * @throws DeviceError E_DEVICE_OPTION when the text is neither
 */
export function parsePrefix(text: string): IpPrefix {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  const whole = address.octets.length * 8;
  if (slash < 0) return { ...address, prefixLength: whole };
  const length = text.slice(slash + 1);
  const prefixLength = /^(0|[1-9][0-9]{0,2})$/.test(length) ? Number(length) : -1;
  if (prefixLength < 0 || prefixLength > whole) {
    throw new DeviceError("E_DEVICE_OPTION", `prefix length: expected 0 to ${whole}, found "${length}" in "${text}"`);
  }
  return { ...address, prefixLength };
}

/** The text of an address of 4 or 16 octets; of IPv6 in the form of RFC 5952. */
export function formatAddress(octets: Uint8Array): string {
  return octets.length === 4 ? octets.join(".") : formatIpv6(octets);
}

/** The same with its prefix length: "192.0.2.1/24". */
export function formatPrefix(octets: Uint8Array, prefixLength: number): string {
  return `${formatAddress(octets)}/${prefixLength}`;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const octets = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    octets[i] = Number(part);
  }
  return octets;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "", true) : [];
  if (!head || !tail) return undefined;
  const missing = GROUPS - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  const octets = new Uint8Array(16);
  const view = new DataView(octets.buffer);
  for (const [i, group] of groups.entries()) view.setUint16(i * 2, group);
  return octets;
}

/** Groups of one side of "::"; only the last ones of an address may be written as IPv4. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (part.includes(".")) {
      const octets = last && i === parts.length - 1 ? parseIpv4(part) : undefined;
      if (!octets) return undefined;
      const view = new DataView(octets.buffer);
      groups.push(view.getUint16(0), view.getUint16(2));
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

function formatIpv6(octets: Uint8Array): string {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const groups = Array.from({ length: GROUPS }, (_, i) => view.getUint16(i * 2));
  const zeros = longestZeros(groups);
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (octets.subarray(0, 10).every((octet) => octet === 0) && groups[5] === 0xffff) {
    return `::ffff:${octets.subarray(12).join(".")}`;
  }
  if (zeros.count < 2) return hex(groups);
  return `${hex(groups.slice(0, zeros.at))}::${hex(groups.slice(zeros.at + zeros.count))}`;
}

/** The first of the longest runs of zero groups. */
function longestZeros(groups: readonly number[]): { at: number; count: number } {
  let best = { at: 0, count: 0 };
  let count = 0;
  for (const [i, group] of groups.entries()) {
    count = group === 0 ? count + 1 : 0;
    if (count > best.count) best = { at: i - count + 1, count };
  }
  return best;
}
