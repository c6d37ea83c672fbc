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
  if (typeof value !== "string") return prefixExpected(value);
  const slash = value.indexOf("/");
  const octets = octetsOf(slash < 0 ? value : value.slice(0, slash));
  if (!octets) return prefixExpected(value);
  const digits = slash < 0 ? String(octets.length * 8) : value.slice(slash + 1);
  const length = /^\d{1,3}$/.test(digits) ? Number(digits) : Infinity;
  if (length > octets.length * 8) return prefixExpected(value);
  if (!hasBitsBehind(octets, length)) return `${formatAddress(octets)}/${length}`;
  return prefixExpected(value, `, which has bits set behind its first ${length}`);
}

function prefixExpected(value: unknown, why = ""): Fault {
  const expected = "expected an address or a prefix such as 203.0.113.0/24 or 2001:db8::/32";
  return new Fault(`${expected}, found ${shown(value)}${why}`);
}

function hasBitsBehind(octets: Uint8Array, length: number): boolean {
  return octets.some((octet, index) => {
    const kept = Math.min(8, Math.max(0, length - index * 8));
    return (octet & (0xff >> kept)) !== 0;
  });
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
