// A filter before the host places of a long list: of most names it tells that they are in no list, from a megabyte that
// lies in the cache, where the places of half a million names take twenty and do not.
import {
  HEADER_FILTER_BITS,
  HEADER_HOSTS_AT,
  HEADER_HOSTS_MASK,
  HOST_FILTER_AT,
  HOST_FILTER_BITS_MAX,
  HOST_FILTER_MULTIPLIER,
  HOST_FILTER_NAMES_MIN,
  HOST_HASH,
  HOST_PLACE_BYTES,
} from "@bunnel/abi";

/** Bits for each name, at least. */
const BITS_PER_NAME = 16;

/**
 * Lays the filter behind a table that starts the range and is not in force yet, and enters its size into the header. A
 * table with few names, or with no room behind it, gets none.
 */
export function layHostFilter(range: Uint8Array, tableBytes: number): void {
  const view = new DataView(range.buffer, range.byteOffset, range.length);
  const bits = tableBytes > HOST_FILTER_AT ? 0 : filterBits(view);
  view.setUint32(HEADER_FILTER_BITS, bits, true);
  if (bits === 0) return;
  const filter = range.subarray(HOST_FILTER_AT, HOST_FILTER_AT + 2 ** (bits - 3)).fill(0);
  for (const hash of hashesOf(view)) {
    const bit = Math.imul(hash, HOST_FILTER_MULTIPLIER) >>> (32 - bits);
    filter[bit >> 3] = (filter[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
}

function filterBits(view: DataView): number {
  const names = [...hashesOf(view)].length;
  if (names < HOST_FILTER_NAMES_MIN) return 0;
  return Math.min(Math.ceil(Math.log2(names * BITS_PER_NAME)), HOST_FILTER_BITS_MAX);
}

function* hashesOf(view: DataView): Generator<number> {
  const first = view.getUint32(HEADER_HOSTS_AT, true);
  const places = view.getUint32(HEADER_HOSTS_MASK, true) + 1;
  for (let i = 0; i < places; i++) {
    const hash = view.getUint32(first + i * HOST_PLACE_BYTES + HOST_HASH, true);
    if (hash !== 0) yield hash;
  }
}
