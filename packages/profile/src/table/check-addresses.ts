// The address sets of a table: ranges inside, ascending, apart from each other, as the engine's search needs them.
import * as abi from "@bunnel/abi";
import { checkInside, refuse } from "./refuse.ts";
import type { TableView } from "./view.ts";

/** Checks all sets. */
export function checkAddressSets(view: TableView): void {
  const count = view.addressSetCount;
  if (count > abi.ADDRESS_SETS_MAX) refuse("address sets", `at most ${abi.ADDRESS_SETS_MAX}`, count);
  checkInside(view, "address sets", view.addressSetAt(1), count * abi.ADDRESS_SET_BYTES);
  for (let set = 1; set <= count; set += 1) {
    const at = view.addressSetAt(set);
    const v4 = view.u32(at + abi.ADDRESS_SET_V4_COUNT);
    const v6 = view.u32(at + abi.ADDRESS_SET_V6_COUNT);
    checkRanges(view, `address set ${set} IPv4`, view.u32(at + abi.ADDRESS_SET_V4_AT), v4, 4);
    checkRanges(view, `address set ${set} IPv6`, view.u32(at + abi.ADDRESS_SET_V6_AT), v6, 16);
    if (v4 + v6 === 0) refuse(`address set ${set}`, "at least one range", 0);
  }
}

function checkRanges(view: TableView, thing: string, at: number, count: number, octets: 4 | 16): void {
  if (count > abi.ADDRESS_RANGES_MAX) refuse(`${thing} ranges`, `at most ${abi.ADDRESS_RANGES_MAX}`, count);
  if (count === 0) {
    if (at !== 0) refuse(`${thing} ranges`, "an offset of 0 where there are none", at);
    return;
  }
  checkInside(view, `${thing} ranges`, at, count * octets * 2);
  let before: bigint | undefined;
  for (let index = 0; index < count; index += 1) {
    const first = view.address(at + index * octets * 2, octets);
    const last = view.address(at + index * octets * 2 + octets, octets);
    if (first > last) refuse(`${thing} range ${index}`, "first, then last", `${first} to ${last}`);
    if (before !== undefined && first <= before + 1n) {
      refuse(`${thing} range ${index}`, `to start behind ${before + 1n}`, String(first));
    }
    before = last;
  }
}
