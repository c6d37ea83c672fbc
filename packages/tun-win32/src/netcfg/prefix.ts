// IP addresses and prefixes: their text, and how Windows has them in memory (ws2ipdef.h SOCKADDR_INET).
import { DeviceError } from "@bunnel/device";
import { formatAddress, parseAddress as parseOctets } from "@bunnel/wire";
import { AF_INET, AF_INET6 } from "../constants.ts";
import { IP_ADDRESS_PREFIX, SOCKADDR_INET } from "../structs.ts";

export type Family = 4 | 6;

export interface IpPrefix {
  readonly family: Family;
  /** 4 or 16 octets, network order. */
  readonly octets: Uint8Array;
  readonly prefixLength: number;
}

/** @throws DeviceError E_DEVICE_OPTION when the text is no IP address */
export function parseAddress(text: string): Uint8Array {
  try {
    return parseOctets(text);
  } catch (cause) {
    throw new DeviceError("E_DEVICE_OPTION", `address: expected IPv4 or IPv6, found "${text}"`, 0, { cause });
  }
}

/**
 * "192.0.2.0/24", or an address alone, which is a prefix of its whole length.
 * @throws DeviceError E_DEVICE_OPTION when the text is neither
 */
export function parsePrefix(text: string): IpPrefix {
  const [address = "", length] = text.split("/", 2);
  const octets = parseAddress(address);
  const whole = octets.length * 8;
  const prefixLength = length === undefined ? whole : Number(length);
  if (!/^\d{1,3}$/.test(length ?? "0") || prefixLength > whole || text.split("/").length > 2) {
    throw new DeviceError("E_DEVICE_OPTION", `prefix length: expected 0 to ${whole}, found "${text}"`);
  }
  return { family: octets.length === 4 ? 4 : 6, octets, prefixLength };
}

export function formatPrefix({ octets, prefixLength }: Omit<IpPrefix, "family">): string {
  return `${formatAddress(octets)}/${prefixLength}`;
}

/** Windows' number of an address family. */
export function systemFamily(family: Family): number {
  return family === 4 ? AF_INET : AF_INET6;
}

export function encodeAddress(octets: Uint8Array): Uint8Array {
  return octets.length === 4
    ? SOCKADDR_INET.encode({ si_family: AF_INET, Ipv4Address: octets })
    : SOCKADDR_INET.encode({ si_family: AF_INET6, Ipv6Address: octets });
}

/** The unspecified address of a family. */
export function unspecified(family: Family): Uint8Array {
  return new Uint8Array(family === 4 ? 4 : 16);
}

/** 4 or 16 octets; none where Windows says neither family. */
export function decodeAddress(octets: Uint8Array): Uint8Array {
  const { si_family, Ipv4Address, Ipv6Address } = SOCKADDR_INET.decode(octets);
  if (si_family === AF_INET) return Ipv4Address;
  return si_family === AF_INET6 ? Ipv6Address : new Uint8Array(0);
}

export function encodePrefix({ octets, prefixLength }: IpPrefix): Uint8Array {
  return IP_ADDRESS_PREFIX.encode({ Prefix: encodeAddress(octets), PrefixLength: prefixLength });
}

export function decodePrefix(octets: Uint8Array): IpPrefix {
  const { Prefix, PrefixLength } = IP_ADDRESS_PREFIX.decode(octets);
  const address = decodeAddress(Prefix);
  return { family: address.length === 4 ? 4 : 6, octets: address, prefixLength: PrefixLength };
}
