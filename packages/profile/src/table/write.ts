// Rules, strategies, address sets and host places to octets, at the offsets of @bunnel/abi rules.ts.
import * as abi from "@bunnel/abi";
import { ProfileError } from "../errors.ts";
import type { Clause } from "../notation/strategy.ts";
import type { PayloadSource } from "../payload/build.ts";
import type { AddressRange, AddressRanges } from "./address-ranges.ts";
import type { HostPlaces } from "./host-places.ts";
import type { TableRule } from "./table-rules.ts";
import { Texts } from "./texts.ts";
import { carriedMask, DIRECTION_MASKS, EGRESS_NUMBERS, familyMask, KIND_L7, kindMask } from "./words.ts";
import { isPacketOperation } from "../notation/egress.ts";
import { writeOperation } from "./write-operation.ts";

/** A table before it has offsets. */
export interface Draft {
  /** Connections are chosen by a name that is known. */
  readonly byName: boolean;
  readonly rules: readonly DraftRule[];
  readonly clauses: readonly Clause[];
  readonly addressSets: readonly AddressRanges[];
  readonly hosts: HostPlaces;
}

export interface DraftRule {
  readonly rule: TableRule;
  /** Index of the clause, or RULE_EXCLUDE. */
  readonly strategy: number;
  /** 0 where any will do. */
  readonly hostSet: number;
  readonly addressSet: number;
}

/** Where the parts of a table start. */
interface Plan {
  readonly rulesAt: number;
  readonly strategiesAt: number;
  readonly opsAt: number;
  readonly setsAt: number;
  readonly rangesAt: number;
  readonly hostsAt: number;
  readonly textsAt: number;
}

/**
 * The table's octets.
 * @throws ProfileError E_RULES_LIMIT when they are more than a table may have
 */
export function writeTable(draft: Draft, payloads: PayloadSource): Uint8Array {
  const plan = planOf(draft);
  const texts = new Texts(plan.textsAt);
  const operations = operationsOf(draft.clauses, texts, payloads);
  const namesAt = Uint32Array.from(draft.hosts.hosts, ({ name }) => texts.add(name));
  const bytes = texts.tableBytes;
  if (bytes > abi.RULES_TABLE_BYTES) {
    const message = `rule table: expected at most ${abi.RULES_TABLE_BYTES} octets, found ${bytes}`;
    throw new ProfileError("E_RULES_LIMIT", [{ message }], "rule table");
  }
  const table = new Uint8Array(bytes);
  const view = new DataView(table.buffer);
  writeHeader(view, draft, plan, bytes);
  for (const [index, rule] of draft.rules.entries()) writeRule(view, plan.rulesAt + index * abi.RULE_BYTES, rule);
  writeStrategies(view, plan, draft.clauses);
  table.set(operations, plan.opsAt);
  writeAddressSets(view, plan, draft.addressSets);
  writePlaces(view, plan.hostsAt, draft.hosts, namesAt);
  texts.write(table);
  return table;
}

function planOf({ rules, clauses, addressSets, hosts }: Draft): Plan {
  const rulesAt = abi.RULES_HEADER_BYTES;
  const strategiesAt = rulesAt + rules.length * abi.RULE_BYTES;
  const opsAt = strategiesAt + clauses.length * abi.STRATEGY_BYTES;
  const opCount = clauses.reduce((count, { operations }) => count + operations.length, 0);
  const setsAt = opsAt + opCount * abi.OP_BYTES;
  const rangesAt = setsAt + addressSets.length * abi.ADDRESS_SET_BYTES;
  const hostsAt = rangesAt + addressSets.reduce((bytes, set) => bytes + rangeBytes(set), 0);
  const textsAt = hostsAt + hosts.places.length * abi.HOST_PLACE_BYTES;
  return { rulesAt, strategiesAt, opsAt, setsAt, rangesAt, hostsAt, textsAt };
}

function rangeBytes({ ipv4, ipv6 }: AddressRanges): number {
  return ipv4.length * abi.ADDRESS_RANGE_V4_BYTES + ipv6.length * abi.ADDRESS_RANGE_V6_BYTES;
}

function writeHeader(view: DataView, draft: Draft, plan: Plan, bytes: number): void {
  const { rules, clauses, addressSets, hosts } = draft;
  const kinds = rules.flatMap(({ rule }) => rule.kinds);
  const words: readonly (readonly [at: number, value: number])[] = [
    [abi.HEADER_MAGIC, abi.RULES_MAGIC],
    [abi.HEADER_VERSION, abi.RULES_VERSION],
    [abi.HEADER_TOTAL_BYTES, bytes],
    [abi.HEADER_RULE_COUNT, rules.length],
    [abi.HEADER_STRATEGY_COUNT, clauses.length],
    [abi.HEADER_RULES_AT, plan.rulesAt],
    [abi.HEADER_STRATEGIES_AT, plan.strategiesAt],
    [abi.HEADER_HOSTS_AT, plan.hostsAt],
    [abi.HEADER_HOSTS_MASK, hosts.places.length - 1],
    [abi.HEADER_ADDRESS_SETS_AT, plan.setsAt],
    [abi.HEADER_ADDRESS_SET_COUNT, addressSets.length],
    [abi.HEADER_L7_MASK, kindMask(kinds)],
    [abi.HEADER_CARRIED, carriedMask(rules.map(({ rule }) => EGRESS_NUMBERS[rule.egress]))],
    [abi.HEADER_STREAM_BY_NAME, draft.byName ? 1 : 0],
  ];
  for (const [at, value] of words) view.setUint32(at, value, true);
}

function writeRule(view: DataView, at: number, { rule, strategy, hostSet, addressSet }: DraftRule): void {
  view.setUint8(at + abi.RULE_L7_MASK, kindMask(rule.kinds));
  view.setUint8(at + abi.RULE_FAMILY_MASK, familyMask(rule.families));
  view.setUint16(at + abi.RULE_STRATEGY, strategy, true);
  view.setUint16(at + abi.RULE_HOST_SET, hostSet, true);
  view.setUint16(at + abi.RULE_PORT_COUNT, rule.ports.length, true);
  for (const [index, { first, last }] of rule.ports.entries()) {
    view.setUint16(at + abi.RULE_PORTS + index * 4, first, true);
    view.setUint16(at + abi.RULE_PORTS + index * 4 + 2, last, true);
  }
  view.setUint16(at + abi.RULE_ADDRESS_SET, addressSet, true);
  view.setUint8(at + abi.RULE_DIRECTION_MASK, DIRECTION_MASKS[rule.direction]);
  view.setUint8(at + abi.RULE_EGRESS, EGRESS_NUMBERS[rule.egress]);
  view.setUint16(at + abi.RULE_PACKET_FIRST, rule.packets?.first ?? 0, true);
  view.setUint16(at + abi.RULE_PACKET_LAST, rule.packets?.last ?? 0, true);
}

function writeStrategies(view: DataView, { strategiesAt, opsAt }: Plan, clauses: readonly Clause[]): void {
  let nextOp = opsAt;
  for (const [index, { kind, operations }] of clauses.entries()) {
    const at = strategiesAt + index * abi.STRATEGY_BYTES;
    view.setUint8(at + abi.STRATEGY_L7, KIND_L7[kind]);
    view.setUint8(at + abi.STRATEGY_OP_COUNT, operations.length);
    view.setUint32(at + abi.STRATEGY_OPS_AT, nextOp, true);
    nextOp += operations.length * abi.OP_BYTES;
  }
}

/** The operations of all strategies, one behind the other. */
function operationsOf(clauses: readonly Clause[], texts: Texts, payloads: PayloadSource): Uint8Array {
  const operations = clauses.flatMap((clause) => clause.operations);
  const octets = new Uint8Array(operations.length * abi.OP_BYTES);
  const view = new DataView(octets.buffer);
  for (const [index, operation] of operations.entries()) {
    if (!isPacketOperation(operation)) throw new Error(`${operation.technique}: expected a technique of packets`);
    writeOperation(view, index * abi.OP_BYTES, operation, texts, payloads);
  }
  return octets;
}

function writeAddressSets(view: DataView, { setsAt, rangesAt }: Plan, sets: readonly AddressRanges[]): void {
  let next = rangesAt;
  for (const [index, { ipv4, ipv6 }] of sets.entries()) {
    const at = setsAt + index * abi.ADDRESS_SET_BYTES;
    view.setUint32(at + abi.ADDRESS_SET_V4_AT, ipv4.length === 0 ? 0 : next, true);
    view.setUint32(at + abi.ADDRESS_SET_V4_COUNT, ipv4.length, true);
    for (const range of ipv4) next = writeRange(view, next, range, writeV4);
    view.setUint32(at + abi.ADDRESS_SET_V6_AT, ipv6.length === 0 ? 0 : next, true);
    view.setUint32(at + abi.ADDRESS_SET_V6_COUNT, ipv6.length, true);
    for (const range of ipv6) next = writeRange(view, next, range, writeV6);
  }
}

type WriteAddress = (view: DataView, at: number, address: bigint) => number;

function writeRange(view: DataView, at: number, { first, last }: AddressRange, write: WriteAddress): number {
  return write(view, write(view, at, first), last);
}

function writeV4(view: DataView, at: number, address: bigint): number {
  view.setUint32(at, Number(address));
  return at + 4;
}

function writeV6(view: DataView, at: number, address: bigint): number {
  view.setBigUint64(at, address >> 64n);
  view.setBigUint64(at + 8, address & 0xffff_ffff_ffff_ffffn);
  return at + 16;
}

function writePlaces(
  view: DataView,
  hostsAt: number,
  { hosts, hashes, places }: HostPlaces,
  namesAt: Uint32Array,
): void {
  for (let place = 0; place < places.length; place += 1) {
    const index = places[place] ?? -1;
    const host = index < 0 ? undefined : hosts[index];
    if (!host) continue;
    const at = hostsAt + place * abi.HOST_PLACE_BYTES;
    view.setUint32(at + abi.HOST_HASH, hashes[index] ?? 0, true);
    view.setUint32(at + abi.HOST_TEXT_AT, namesAt[index] ?? 0, true);
    view.setUint16(at + abi.HOST_TEXT_BYTES, host.name.length, true);
    view.setUint16(at + abi.HOST_SET, host.set, true);
    view.setUint16(at + abi.HOST_MATCH, host.exact ? abi.HostMatch.Exact : abi.HostMatch.Suffix, true);
  }
}
