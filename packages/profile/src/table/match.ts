// What the engine does with a table, slow and obvious: the oracle that it is compared with.
import * as abi from "@bunnel/abi";
import type { Kind } from "../notation/kinds.ts";
import { parseAddress } from "@bunnel/wire";
import type { Family } from "../profile/profile.ts";
import { addressNumber } from "./address-ranges.ts";
import { hashLabel, labelStarts, storedHash } from "./host-hash.ts";
import { TableView } from "./view.ts";
import { DIRECTION_MASKS, familyMask, kindBit } from "./words.ts";

/** What a rule is chosen by. */
export interface MessageFacts {
  readonly kind: Kind;
  readonly family: Family;
  /** Destination port. */
  readonly port: number;
  /** As it stands in the message; undefined when none was found. */
  readonly host?: string;
  /** Destination; undefined is in no list of addresses. */
  readonly address?: string;
  /** "out", the default: sent by the side that opened the flow. */
  readonly direction?: "out" | "in";
  /** Number of the packet among those of its direction in the flow, from 1; undefined matches rules for any alone. */
  readonly packet?: number;
}

/**
 * Whether a name is in a host set of a checked table; set 0 has every name. Letter case and one dot at the end do not
 * count. Walks from the last label to the first and asks at the start of each.
 */
export function matchHost(table: Uint8Array, set: number, name: string): boolean {
  return hostInSet(new TableView(table), set, name);
}

/**
 * Whether an address is in an address set of a checked table; set 0 has every address, a set that is not there none.
 * @throws WireError when the text is no address
 */
export function matchAddress(table: Uint8Array, set: number, address: string): boolean {
  return addressInSet(new TableView(table), set, address);
}

/** The index of the first rule of a checked table that matches, -1 when none does. */
export function matchRule(table: Uint8Array, facts: MessageFacts): number {
  const view = new TableView(table);
  for (let index = 0; index < view.ruleCount; index += 1) {
    if (matches(view, view.ruleAt(index), facts)) return index;
  }
  return -1;
}

function matches(view: TableView, at: number, facts: MessageFacts): boolean {
  const { kind, family, port, host, address, direction = "out", packet = 0 } = facts;
  if ((view.u8(at + abi.RULE_L7_MASK) & kindBit(kind)) === 0) return false;
  if ((view.u8(at + abi.RULE_FAMILY_MASK) & familyMask([family])) === 0) return false;
  if (!portMatches(view, at, port)) return false;
  const directions = view.u8(at + abi.RULE_DIRECTION_MASK);
  if (directions !== 0 && (directions & DIRECTION_MASKS[direction]) === 0) return false;
  const last = view.u16(at + abi.RULE_PACKET_LAST);
  if (last !== 0 && (packet < view.u16(at + abi.RULE_PACKET_FIRST) || packet > last)) return false;
  const addresses = view.u16(at + abi.RULE_ADDRESS_SET);
  if (addresses !== 0 && (address === undefined || !addressInSet(view, addresses, address))) return false;
  const set = view.u16(at + abi.RULE_HOST_SET);
  return set === 0 || (host !== undefined && hostInSet(view, set, host));
}

function portMatches(view: TableView, at: number, port: number): boolean {
  const count = view.u16(at + abi.RULE_PORT_COUNT);
  for (let index = 0; index < count; index += 1) {
    const rangeAt = at + abi.RULE_PORTS + index * 4;
    if (port >= view.u16(rangeAt) && port <= view.u16(rangeAt + 2)) return true;
  }
  return count === 0;
}

/** The last range that starts at the address or before, found by halving, is the only one that can have it. */
function addressInSet(view: TableView, set: number, address: string): boolean {
  if (set === 0) return true;
  if (set > view.addressSetCount) return false;
  const octets = parseAddress(address);
  const isV4 = octets.length === 4;
  const setAt = view.addressSetAt(set);
  const rangesAt = view.u32(setAt + (isV4 ? abi.ADDRESS_SET_V4_AT : abi.ADDRESS_SET_V6_AT));
  const count = view.u32(setAt + (isV4 ? abi.ADDRESS_SET_V4_COUNT : abi.ADDRESS_SET_V6_COUNT));
  if (count === 0) return false;
  const bytes = isV4 ? 4 : 16;
  const number = addressNumber(octets);
  let base = 0;
  let length = count;
  while (length > 1) {
    const half = length >> 1;
    if (view.address(rangesAt + (base + half) * bytes * 2, bytes) <= number) base += half;
    length -= half;
  }
  const at = rangesAt + base * bytes * 2;
  return view.address(at, bytes) <= number && number <= view.address(at + bytes, bytes);
}

function hostInSet(view: TableView, set: number, host: string): boolean {
  if (set === 0) return true;
  // ASCII letters alone: toLowerCase would make a k of the Kelvin sign.
  const name = host.replace(/[A-Z]/g, (letter) => letter.toLowerCase()).replace(/\.$/, "");
  if (name.length > abi.HOST_MAX_BYTES) return false;
  let hash = abi.HOST_HASH_OFFSET;
  for (const start of labelStarts(name)) {
    hash = hashLabel(hash, name, start);
    if (probe(view, set, storedHash(hash), name.slice(start), start === 0)) return true;
  }
  return false;
}

function probe(view: TableView, set: number, hash: number, name: string, whole: boolean): boolean {
  for (let step = 0; step < abi.HOST_PROBES_MAX; step += 1) {
    const at = view.hostPlaceAt(hash + step);
    const found = view.u32(at + abi.HOST_HASH);
    if (found === 0) return false;
    if (found !== hash || view.u16(at + abi.HOST_SET) !== set) continue;
    if (!whole && view.u16(at + abi.HOST_MATCH) !== abi.HostMatch.Suffix) continue;
    if (view.text(view.u32(at + abi.HOST_TEXT_AT), view.u16(at + abi.HOST_TEXT_BYTES)) === name) return true;
  }
  return false;
}
