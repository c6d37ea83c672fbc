// IP addresses and prefixes as text. One spelling of IPv4 (RFC 6943 section 3.1.1), IPv6 as RFC 4291 section 2.2 says,
// without a zone, written as RFC 5952 section 4 says.
import { isIPv4, isIPv6 } from "node:net";
import { DeviceError } from "@bunnel/device";

export interface IpPrefix {
  readonly family: 4 | 6;
  /** 4 or 16 octets, network order. */
  readonly octets: Uint8Array;
  readonly prefixLength: number;
}

const IPV6_GROUPS = 8;

/** @throws DeviceError E_DEVICE_OPTION when the text is no IP address */
export function parseAddress(text: string): Uint8Array {
  if (isIPv4(text)) return Uint8Array.from(text.split("."), Number);
  if (isIPv6(text) && !text.includes("%")) return parseIpv6(text);
  throw new DeviceError("E_DEVICE_OPTION", `address: expected IPv4 or IPv6, found "${text}"`);
}

/**
 * "192.0.2.0/24", or an address alone, which is a prefix of its whole length.
 * @throws DeviceError E_DEVICE_OPTION when the text is neither
 */
export function parsePrefix(text: string): IpPrefix {
  const slash = text.indexOf("/");
  const octets = parseAddress(slash < 0 ? text : text.slice(0, slash));
  const whole = octets.length * 8;
  const length = slash < 0 ? String(whole) : text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > whole) {
    throw new DeviceError("E_DEVICE_OPTION", `prefix length: expected 0 to ${whole}, found "${length}" in "${text}"`);
  }
  return { family: octets.length === 4 ? 4 : 6, octets, prefixLength: Number(length) };
}

export function formatAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join(".");
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const groups = Array.from({ length: IPV6_GROUPS }, (_, i) => view.getUint16(i * 2).toString(16));
  // The host of a URL is written as the RFC asks, but for the tail of a mapped address.
  const written = new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
  return /^::ffff:[0-9a-f]+:[0-9a-f]+$/.test(written) ? `::ffff:${octets.subarray(12).join(".")}` : written;
}

export function formatPrefix(octets: Uint8Array, prefixLength: number): string {
  return `${formatAddress(octets)}/${prefixLength}`;
}

/** The octets of a netmask: `prefixLength` ones, then zeros. */
export function maskOf(prefixLength: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => {
    const ones = Math.min(8, Math.max(0, prefixLength - i * 8));
    return 0xff & ~(0xff >> ones);
  });
}

/** The first address of a prefix: the host part zero. */
export function networkOf({ octets, prefixLength }: IpPrefix): Uint8Array {
  const mask = maskOf(prefixLength, octets.length);
  return octets.map((octet, i) => octet & (mask[i] ?? 0));
}

/** The highest address of a prefix. */
export function broadcastOf({ octets, prefixLength }: IpPrefix): Uint8Array {
  const mask = maskOf(prefixLength, octets.length);
  return octets.map((octet, i) => octet | (0xff & ~(mask[i] ?? 0)));
}

/** The address behind this one; behind the last comes the first. */
export function nextOf(octets: Uint8Array): Uint8Array {
  const next = octets.slice();
  for (let i = next.length - 1; i >= 0; i--) {
    next[i] = ((next[i] ?? 0) + 1) & 0xff;
    if (next[i] !== 0) break;
  }
  return next;
}

/** The ones at the start of a netmask. */
export function prefixLengthOf(mask: Uint8Array): number {
  let length = 0;
  for (const octet of mask) {
    length += Math.min(8, Math.clz32(~octet << 24));
    if (octet !== 0xff) break;
  }
  return length;
}

function parseIpv6(text: string): Uint8Array {
  // A dotted tail becomes two groups in the host of a URL.
  const written = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = "", tail] = written.split("::");
  const before = head === "" ? [] : head.split(":");
  const behind = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...before, ...Array<string>(IPV6_GROUPS - before.length - behind.length).fill("0"), ...behind];
  const octets = new Uint8Array(16);
  const view = new DataView(octets.buffer);
  for (const [i, group] of groups.entries()) view.setUint16(i * 2, Number.parseInt(group, 16));
  return octets;
}
