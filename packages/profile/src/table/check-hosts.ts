// The host places of a table: every name inside, in its one form, and where probing from its home finds it.
import * as abi from "@bunnel/abi";
import { hostHash } from "./host-hash.ts";
import { checkText, refuse } from "./refuse.ts";
import type { TableView } from "./view.ts";

/** Checks all places; returns the host sets that have names. */
export function checkHostPlaces(view: TableView): ReadonlySet<number> {
  const sets = new Set<number>();
  for (let index = 0; index < view.hostPlaces; index += 1) {
    const at = view.hostPlaceAt(index);
    const hash = view.u32(at + abi.HOST_HASH);
    if (hash === 0) continue;
    checkPlace(view, index, hash);
    sets.add(view.u16(at + abi.HOST_SET));
  }
  return sets;
}

function checkPlace(view: TableView, index: number, hash: number): void {
  const thing = `host place ${index}`;
  const at = view.hostPlaceAt(index);
  const bytes = view.u16(at + abi.HOST_TEXT_BYTES);
  if (bytes < 1 || bytes > abi.HOST_MAX_BYTES) refuse(`${thing} name size`, `1 to ${abi.HOST_MAX_BYTES} octets`, bytes);
  const textAt = view.u32(at + abi.HOST_TEXT_AT);
  checkText(view, `${thing} name`, textAt, bytes);
  const named = hashOfName(view, textAt, bytes);
  if (named === undefined) {
    refuse(`${thing} name`, "lower-case ASCII", JSON.stringify(view.text(textAt, bytes)));
  }
  if (named !== hash) refuse(`${thing} hash`, `${named}, that of its name`, hash);
  const set = view.u16(at + abi.HOST_SET);
  if (set === 0) refuse(`${thing} set`, "from 1", set);
  const match = view.u16(at + abi.HOST_MATCH);
  if (match !== abi.HostMatch.Exact && match !== abi.HostMatch.Suffix) {
    refuse(`${thing} match`, `${abi.HostMatch.Exact} or ${abi.HostMatch.Suffix}`, match);
  }
  checkReach(view, index, hash, thing);
}

/**
 * The hash of a name as it lies in the text; undefined when it has octets other than a-z, digits, `-`, `.` and `_`,
 * with which it could never equal what the engine compares it with.
 */
function hashOfName(view: TableView, at: number, bytes: number): number | undefined {
  for (let index = 0; index < bytes; index += 1) {
    if (NAME_OCTETS[view.u8(at + index)] !== 1) return undefined;
  }
  return hostHash(view.text(at, bytes));
}

const NAME_OCTETS = Uint8Array.from({ length: 256 }, (_, octet) =>
  /[a-z0-9._-]/.test(String.fromCharCode(octet)) ? 1 : 0,
);

/** No probing goes further than HOST_PROBES_MAX places, or past an empty one. */
function checkReach(view: TableView, index: number, hash: number, thing: string): void {
  const mask = view.hostPlaces - 1;
  const distance = (index - hash) & mask;
  if (distance >= abi.HOST_PROBES_MAX) {
    refuse(thing, `less than ${abi.HOST_PROBES_MAX} places from ${hash & mask}, its home`, `${distance} away`);
  }
  for (let probe = 0; probe < distance; probe += 1) {
    const passed = (hash + probe) & mask;
    if (view.u32(view.hostPlaceAt(passed) + abi.HOST_HASH) === 0) {
      refuse(thing, `no empty place between ${hash & mask}, its home, and it`, `place ${passed} empty`);
    }
  }
}
