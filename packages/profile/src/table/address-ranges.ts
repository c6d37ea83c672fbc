// Prefixes to what a rule table has of them: ranges of each family, ascending, disjoint, none touching the next.
import { parseAddress } from "@bunnel/wire";

/** Addresses from first to last, both included, as numbers. */
export interface AddressRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** Ranges of both families, each list sorted and without overlap. */
export interface AddressRanges {
  readonly ipv4: readonly AddressRange[];
  readonly ipv6: readonly AddressRange[];
}

/** The ranges of prefixes in the form that `readPrefix` gives. */
export function rangesOf(prefixes: Iterable<string>): AddressRanges {
  const ranges = { ipv4: [] as AddressRange[], ipv6: [] as AddressRange[] };
  for (const prefix of prefixes) {
    const slash = prefix.indexOf("/");
    const octets = parseAddress(prefix.slice(0, slash));
    const first = addressNumber(octets);
    const hostBits = BigInt(octets.length * 8 - Number(prefix.slice(slash + 1)));
    const family = octets.length === 4 ? ranges.ipv4 : ranges.ipv6;
    family.push({ first, last: first | ((1n << hostBits) - 1n) });
  }
  return { ipv4: mergedRanges(ranges.ipv4), ipv6: mergedRanges(ranges.ipv6) };
}

/** An address' octets as one number. */
export function addressNumber(octets: Uint8Array): bigint {
  return BigInt(`0x${octets.toHex()}`);
}

/** Ascending, disjoint, none touching the next. */
export function mergedRanges(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const result: AddressRange[] = [];
  for (const range of ranges.toSorted((a, b) => (a.first < b.first ? -1 : Number(a.first > b.first)))) {
    const before = result.at(-1);
    if (!before || range.first > before.last + 1n) result.push(range);
    else if (range.last > before.last) result[result.length - 1] = { first: before.first, last: range.last };
  }
  return result;
}
