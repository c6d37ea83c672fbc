// A destination in an address set: disjoint ranges in rising order, found by halving.
import {
  ADDRESS_RANGE_V4_BYTES,
  ADDRESS_RANGE_V6_BYTES,
  ADDRESS_SEARCH_MAX,
  ADDRESS_SET_V4_AT,
  ADDRESS_SET_V4_COUNT,
  ADDRESS_SET_V6_AT,
  ADDRESS_SET_V6_COUNT,
} from "@bunnel/abi/src/index";
import { Ipv4 } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";
import { addressSetAt } from "./table";

/** Whether the packet's destination lies in set `i`. */
export function matchAddress(table: usize, i: u32, p: usize, family: u32): bool {
  if (family == 4) return matchIpv4(table, i, Ipv4.at(p).destination);
  const set = addressSetAt(table, i);
  const first = table + load<u32>(set + ADDRESS_SET_V6_AT);
  return isInRanges6(first, load<i32>(set + ADDRESS_SET_V6_COUNT), Ipv6.at(p).destinationAt);
}

/** Whether an IPv4 address, as it lies in memory, is in set `i`. */
export function matchIpv4(table: usize, i: u32, address: u32): bool {
  const set = addressSetAt(table, i);
  const first = table + load<u32>(set + ADDRESS_SET_V4_AT);
  return isInRanges4(first, load<i32>(set + ADDRESS_SET_V4_COUNT), bswap<u32>(address));
}

function isInRanges4(ranges: usize, count: i32, address: u32): bool {
  let low = 0;
  let high = count - 1;
  for (let step = 0; step <= ADDRESS_SEARCH_MAX && low <= high; step++) {
    const middle = (low + high) >> 1;
    const range = ranges + <usize>middle * ADDRESS_RANGE_V4_BYTES;
    if (address < bswap<u32>(load<u32>(range))) high = middle - 1;
    else if (address > bswap<u32>(load<u32>(range, 4))) low = middle + 1;
    else return true;
  }
  return false;
}

function isInRanges6(ranges: usize, count: i32, at: usize): bool {
  const upper = bswap<u64>(load<u64>(at));
  const lower = bswap<u64>(load<u64>(at, 8));
  let low = 0;
  let high = count - 1;
  for (let step = 0; step <= ADDRESS_SEARCH_MAX && low <= high; step++) {
    const middle = (low + high) >> 1;
    const range = ranges + <usize>middle * ADDRESS_RANGE_V6_BYTES;
    if (isBelow(upper, lower, range)) high = middle - 1;
    else if (isAbove(upper, lower, range + 16)) low = middle + 1;
    else return true;
  }
  return false;
}

function isBelow(upper: u64, lower: u64, at: usize): bool {
  const other = bswap<u64>(load<u64>(at));
  return upper < other || (upper == other && lower < bswap<u64>(load<u64>(at, 8)));
}

function isAbove(upper: u64, lower: u64, at: usize): bool {
  const other = bswap<u64>(load<u64>(at));
  return upper > other || (upper == other && lower > bswap<u64>(load<u64>(at, 8)));
}
