// A rule table to something that people and tests can read.
import * as abi from "@bunnel/abi";
import { KINDS, type Kind } from "../notation/kinds.ts";
import type { Clause } from "../notation/strategy.ts";
import { FAMILIES, type Direction, type Family, type PacketRange, type PortRange } from "../profile/profile.ts";
import type { AddressRange, AddressRanges } from "./address-ranges.ts";
import { checkRules } from "./check.ts";
import { decodeOperation } from "./decode-operation.ts";
import type { TableEgress } from "./table-rules.ts";
import { TableView } from "./view.ts";
import { DIRECTION_MASKS, EGRESS_NUMBERS, familyMask, KIND_L7, kindBit, wordOf } from "./words.ts";

/** A rule as the table has it. */
export interface DecodedRule {
  readonly kinds: readonly Kind[];
  readonly families: readonly Family[];
  readonly ports: readonly PortRange[];
  /** Sorted: `example.org` with all below it, `=example.org` alone. None: any host. */
  readonly hosts: readonly string[];
  /** Undefined: any address. */
  readonly addresses: AddressRanges | undefined;
  readonly direction: Direction;
  /** Undefined: any packet. */
  readonly packets: PacketRange | undefined;
  /** Undefined: the message is left alone. */
  readonly clause: Clause | undefined;
  readonly egress: TableEgress;
}

/** A rule table in words, for people and tests. */
export interface DecodedTable {
  readonly totalBytes: number;
  readonly generation: number;
  readonly hostPlaces: number;
  /** Those that some rule is for. */
  readonly kinds: readonly Kind[];
  /** In the order in which they are looked at. */
  readonly rules: readonly DecodedRule[];
}

/**
 * What a table says.
 * @throws ProfileError E_RULES_TABLE as `checkRules` does
 */
export function decodeRules(table: Uint8Array): DecodedTable {
  checkRules(table);
  const view = new TableView(table);
  const clauses = Array.from({ length: view.strategyCount }, (_, index) => decodeClause(view, view.strategyAt(index)));
  const hostSets = decodeHostSets(view);
  const addressSets = Array.from({ length: view.addressSetCount }, (_, index) => decodeAddressSet(view, index + 1));
  return {
    totalBytes: view.totalBytes,
    generation: view.generation,
    hostPlaces: view.hostPlaces,
    kinds: kindsOf(view.u32(abi.HEADER_L7_MASK)),
    rules: Array.from({ length: view.ruleCount }, (_, index) =>
      decodeRule(view, view.ruleAt(index), { clauses, hostSets, addressSets }),
    ),
  };
}

/** What rules name by numbers. */
interface Parts {
  readonly clauses: readonly Clause[];
  readonly hostSets: ReadonlyMap<number, readonly string[]>;
  readonly addressSets: readonly AddressRanges[];
}

function decodeRule(view: TableView, at: number, { clauses, hostSets, addressSets }: Parts): DecodedRule {
  const families = view.u8(at + abi.RULE_FAMILY_MASK);
  const last = view.u16(at + abi.RULE_PACKET_LAST);
  return {
    kinds: kindsOf(view.u8(at + abi.RULE_L7_MASK)),
    families: FAMILIES.filter((family) => (families & familyMask([family])) !== 0),
    ports: Array.from({ length: view.u16(at + abi.RULE_PORT_COUNT) }, (_, index) => ({
      first: view.u16(at + abi.RULE_PORTS + index * 4),
      last: view.u16(at + abi.RULE_PORTS + index * 4 + 2),
    })),
    hosts: hostSets.get(view.u16(at + abi.RULE_HOST_SET)) ?? [],
    addresses: addressSets[view.u16(at + abi.RULE_ADDRESS_SET) - 1],
    direction: wordOf(DIRECTION_MASKS, view.u8(at + abi.RULE_DIRECTION_MASK)) ?? "both",
    packets: last === 0 ? undefined : { first: view.u16(at + abi.RULE_PACKET_FIRST), last },
    // RULE_EXCLUDE is past the last strategy of any table.
    clause: clauses[view.u16(at + abi.RULE_STRATEGY)],
    egress: wordOf(EGRESS_NUMBERS, view.u8(at + abi.RULE_EGRESS)) ?? "packet",
  };
}

function kindsOf(mask: number): readonly Kind[] {
  return KINDS.filter((kind) => (mask & kindBit(kind)) !== 0);
}

function decodeAddressSet(view: TableView, set: number): AddressRanges {
  const at = view.addressSetAt(set);
  const ranges = (rangesAt: number, count: number, octets: 4 | 16) =>
    Array.from({ length: count }, (_, index): AddressRange => {
      const rangeAt = rangesAt + index * octets * 2;
      return { first: view.address(rangeAt, octets), last: view.address(rangeAt + octets, octets) };
    });
  return {
    ipv4: ranges(view.u32(at + abi.ADDRESS_SET_V4_AT), view.u32(at + abi.ADDRESS_SET_V4_COUNT), 4),
    ipv6: ranges(view.u32(at + abi.ADDRESS_SET_V6_AT), view.u32(at + abi.ADDRESS_SET_V6_COUNT), 16),
  };
}

function decodeHostSets(view: TableView): ReadonlyMap<number, readonly string[]> {
  const sets = new Map<number, string[]>();
  for (let index = 0; index < view.hostPlaces; index += 1) {
    const at = view.hostPlaceAt(index);
    if (view.u32(at + abi.HOST_HASH) === 0) continue;
    const name = view.text(view.u32(at + abi.HOST_TEXT_AT), view.u16(at + abi.HOST_TEXT_BYTES));
    const set = view.u16(at + abi.HOST_SET);
    const entry = view.u16(at + abi.HOST_MATCH) === abi.HostMatch.Exact ? `=${name}` : name;
    const names = sets.get(set);
    if (names) names.push(entry);
    else sets.set(set, [entry]);
  }
  return new Map([...sets].map(([set, names]) => [set, names.toSorted()]));
}

function decodeClause(view: TableView, at: number): Clause {
  const opsAt = view.u32(at + abi.STRATEGY_OPS_AT);
  return {
    kind: wordOf(KIND_L7, view.u8(at + abi.STRATEGY_L7)) ?? KINDS[0],
    operations: Array.from({ length: view.u8(at + abi.STRATEGY_OP_COUNT) }, (_, index) =>
      decodeOperation(view, opsAt + index * abi.OP_BYTES),
    ),
  };
}
