// Rules, strategies and host places to octets, at the offsets of @bunnel/abi rules.ts.
import * as abi from "@bunnel/abi";
import { ProfileError } from "../errors.ts";
import type { Clause } from "../notation/strategy.ts";
import type { PlacedHost } from "./host-places.ts";
import type { TableRule } from "./table-rules.ts";
import { Texts } from "./texts.ts";
import { familyMask, KIND_L7, kindBit } from "./words.ts";
import { writeOperation } from "./write-operation.ts";

/** A table before it has offsets. */
export interface Draft {
  readonly rules: readonly DraftRule[];
  readonly clauses: readonly Clause[];
  readonly places: readonly (PlacedHost | undefined)[];
}

export interface DraftRule {
  readonly rule: TableRule;
  /** Index of the clause, or RULE_EXCLUDE. */
  readonly strategy: number;
  readonly hostSet: number;
}

/**
 * The table's octets.
 * @throws ProfileError E_RULES_LIMIT when they are more than a table may have
 */
export function writeTable({ rules, clauses, places }: Draft): Uint8Array {
  const rulesAt = abi.RULES_HEADER_BYTES;
  const strategiesAt = rulesAt + rules.length * abi.RULE_BYTES;
  const opsAt = strategiesAt + clauses.length * abi.STRATEGY_BYTES;
  const opCount = clauses.reduce((count, { operations }) => count + operations.length, 0);
  const hostsAt = opsAt + opCount * abi.OP_BYTES;
  const texts = new Texts(hostsAt + places.length * abi.HOST_PLACE_BYTES);
  for (const name of namesOf(clauses, places)) texts.add(name);
  if (texts.end > abi.RULES_TABLE_BYTES) {
    const message = `rule table: expected at most ${abi.RULES_TABLE_BYTES} octets, found ${texts.end}`;
    throw new ProfileError("E_RULES_LIMIT", [{ message }], "rule table");
  }
  const table = new Uint8Array(texts.end);
  const view = new DataView(table.buffer);
  view.setUint32(abi.HEADER_MAGIC, abi.RULES_MAGIC, true);
  view.setUint32(abi.HEADER_VERSION, abi.RULES_VERSION, true);
  view.setUint32(abi.HEADER_TOTAL_BYTES, texts.end, true);
  view.setUint32(abi.HEADER_RULE_COUNT, rules.length, true);
  view.setUint32(abi.HEADER_STRATEGY_COUNT, clauses.length, true);
  view.setUint32(abi.HEADER_RULES_AT, rulesAt, true);
  view.setUint32(abi.HEADER_STRATEGIES_AT, strategiesAt, true);
  view.setUint32(abi.HEADER_HOSTS_AT, hostsAt, true);
  view.setUint32(abi.HEADER_HOSTS_MASK, places.length - 1, true);
  view.setUint32(abi.HEADER_ADDRESS_SETS_AT, hostsAt, true);
  const kinds = rules.flatMap(({ rule }) => rule.kinds);
  view.setUint32(
    abi.HEADER_L7_MASK,
    kinds.reduce((mask, kind) => mask | kindBit(kind), 0),
    true,
  );
  for (const [index, { rule, strategy, hostSet: set }] of rules.entries()) {
    writeRule(view, rulesAt + index * abi.RULE_BYTES, rule, strategy, set);
  }
  writeStrategies(view, strategiesAt, opsAt, clauses, texts);
  for (const [index, host] of places.entries()) {
    if (host) writePlace(view, hostsAt + index * abi.HOST_PLACE_BYTES, host, texts);
  }
  texts.write(table);
  return table;
}

function namesOf(clauses: readonly Clause[], places: readonly (PlacedHost | undefined)[]): readonly string[] {
  const fakes = clauses.flatMap(({ operations }) => operations.filter((operation) => operation.technique === "fake"));
  const decoys = fakes.flatMap(({ decoy }) => (decoy.content === "name" ? [decoy.name] : []));
  return [...decoys, ...places.flatMap((host) => (host ? [host.name] : []))];
}

function writeRule(view: DataView, at: number, rule: TableRule, strategy: number, hostSet: number): void {
  const l7Mask = rule.kinds.reduce((mask, kind) => mask | kindBit(kind), 0);
  view.setUint8(at + abi.RULE_L7_MASK, l7Mask);
  view.setUint8(at + abi.RULE_FAMILY_MASK, familyMask(rule.families));
  view.setUint16(at + abi.RULE_STRATEGY, strategy, true);
  view.setUint16(at + abi.RULE_HOST_SET, hostSet, true);
  view.setUint16(at + abi.RULE_PORT_COUNT, rule.ports.length, true);
  for (const [index, { first, last }] of rule.ports.entries()) {
    view.setUint16(at + abi.RULE_PORTS + index * 4, first, true);
    view.setUint16(at + abi.RULE_PORTS + index * 4 + 2, last, true);
  }
}

function writeStrategies(view: DataView, at: number, opsAt: number, clauses: readonly Clause[], texts: Texts): void {
  let nextOp = opsAt;
  for (const [index, { kind, operations }] of clauses.entries()) {
    const strategyAt = at + index * abi.STRATEGY_BYTES;
    view.setUint8(strategyAt + abi.STRATEGY_L7, KIND_L7[kind]);
    view.setUint8(strategyAt + abi.STRATEGY_OP_COUNT, operations.length);
    view.setUint32(strategyAt + abi.STRATEGY_OPS_AT, nextOp, true);
    for (const operation of operations) {
      writeOperation(view, nextOp, operation, texts);
      nextOp += abi.OP_BYTES;
    }
  }
}

function writePlace(view: DataView, at: number, host: PlacedHost, texts: Texts): void {
  view.setUint32(at + abi.HOST_HASH, host.hash, true);
  view.setUint32(at + abi.HOST_TEXT_AT, texts.at(host.name), true);
  view.setUint16(at + abi.HOST_TEXT_BYTES, host.name.length, true);
  view.setUint16(at + abi.HOST_SET, host.set, true);
  view.setUint16(at + abi.HOST_MATCH, host.exact ? abi.HostMatch.Exact : abi.HostMatch.Suffix, true);
}
