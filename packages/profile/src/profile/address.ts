// Addresses and prefixes as settings carry them (RFC 4632 section 3.1, RFC 5952).
import { formatAddress, parseAddress, WireError } from "@bunnel/wire";
import { Fault } from "../errors.ts";
import { shown } from "../wording.ts";

/** An IPv4 address with four decimal octets. */
export function readIpv4(value: unknown): string | Fault {
  if (typeof value === "string" && octetsOf(value)?.length === 4) return value;
  return new Fault(`expected an IPv4 address such as 10.0.85.1, found ${shown(value)}`);
}

/** An IPv4 netmask: ones, then zeros. */
export function readNetmask(value: unknown): string | Fault {
  const octets = typeof value === "string" ? octetsOf(value) : undefined;
  const isMask = octets?.length === 4 && /^1+0*$/.test(bitsOf(octets));
  if (typeof value === "string" && isMask) return value;
  return new Fault(`expected a netmask such as 255.255.255.0, found ${shown(value)}`);
}

/**
 * A destination: an address, or a prefix's first address and its length. The result always has a length, and its
 * address the form of RFC 5952.
 */
export function readPrefix(value: unknown): string | Fault {
  const expected = "expected an address or a prefix such as 203.0.113.0/24 or 2001:db8::/32";
  const refused = new Fault(`${expected}, found ${shown(value)}`);
  if (typeof value !== "string") return refused;
  const [, address = "", digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(value) ?? [];
  const octets = octetsOf(address);
  if (!octets) return refused;
  const bits = bitsOf(octets);
  const length = digits === undefined ? bits.length : Number(digits);
  if (length > bits.length) return refused;
  if (!bits.includes("1", length)) return `${formatAddress(octets)}/${length}`;
  return new Fault(`${refused.text}, which has bits set behind its first ${length}`);
}

function octetsOf(address: string): Uint8Array | undefined {
  try {
    return parseAddress(address);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** 32 or 128 digits. */
function bitsOf(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(2).padStart(8, "0")).join("");
}
