// Rule tables straight from the fields that the engine reads (packages/abi/src/rules.ts), so that every technique can
// be tested with every number, also those that the notation of `@bunnel/profile` never writes.
//
//   | header | rules | strategies | operations | one empty host place | text |
import {
  Decoy,
  HEADER_HOSTS_AT,
  HEADER_HOSTS_MASK,
  HEADER_L7_MASK,
  HEADER_MAGIC,
  HEADER_RULE_COUNT,
  HEADER_RULES_AT,
  HEADER_STRATEGIES_AT,
  HEADER_STRATEGY_COUNT,
  HEADER_TOTAL_BYTES,
  HEADER_VERSION,
  HOST_PLACE_BYTES,
  type L7,
  type Marker,
  OP_AUTO_DELTA,
  OP_AUTO_MAX,
  OP_AUTO_MIN,
  OP_BYTES,
  OP_DECOY,
  OP_FLAGS,
  OP_FOOLINGS,
  OP_NAME_AT,
  OP_NAME_BYTES,
  OP_POINT_COUNT,
  OP_POINTS,
  OP_REPEATS,
  OP_TECHNIQUE,
  OP_TS_SHIFT,
  OP_TTL,
  OP_VALUE,
  OP_VALUE2,
  OP_WORD,
  POINT_BYTES,
  RULE_BYTES,
  RULE_FAMILY_MASK,
  RULE_L7_MASK,
  RULE_STRATEGY,
  RULES_HEADER_BYTES,
  RULES_MAGIC,
  RULES_VERSION,
  STRATEGY_BYTES,
  STRATEGY_L7,
  STRATEGY_OP_COUNT,
  STRATEGY_OPS_AT,
  type Technique,
} from "@bunnel/abi";

/** One technique with its numbers; what is left out is 0, repeats are 1. */
export interface Op {
  readonly technique: Technique;
  readonly points?: readonly (readonly [Marker, number])[];
  /** Fooling bits */
  readonly foolings?: number;
  readonly ttl?: number;
  readonly repeats?: number;
  readonly decoy?: Decoy;
  /** OpFlag bits */
  readonly flags?: number;
  /** Decoy name, payload or pattern. */
  readonly text?: Uint8Array;
  readonly word?: number;
  readonly value?: number;
  readonly value2?: number;
  readonly tsShift?: number;
  /** Delta, least and greatest hop limit of Fooling.AutoTtl. */
  readonly auto?: readonly [delta: number, min: number, max: number];
}

const BOTH_FAMILIES = 3;

/** A table of one rule: messages of this kind, any host, any port, both families. */
export function writeTable(l7: L7, ops: readonly Op[]): Uint8Array {
  const rulesAt = RULES_HEADER_BYTES;
  const strategiesAt = rulesAt + RULE_BYTES;
  const opsAt = strategiesAt + STRATEGY_BYTES;
  const hostsAt = opsAt + ops.length * OP_BYTES;
  const textAt = hostsAt + HOST_PLACE_BYTES;
  const bytes = textAt + ops.reduce((sum, { text }) => sum + (text?.length ?? 0), 0);
  const table = new Uint8Array(bytes);
  const view = new DataView(table.buffer);
  const u32 = (at: number, value: number): void => view.setUint32(at, value, true);
  u32(HEADER_MAGIC, RULES_MAGIC);
  u32(HEADER_VERSION, RULES_VERSION);
  u32(HEADER_TOTAL_BYTES, bytes);
  u32(HEADER_RULE_COUNT, 1);
  u32(HEADER_STRATEGY_COUNT, 1);
  u32(HEADER_RULES_AT, rulesAt);
  u32(HEADER_STRATEGIES_AT, strategiesAt);
  u32(HEADER_HOSTS_AT, hostsAt);
  u32(HEADER_HOSTS_MASK, 0);
  u32(HEADER_L7_MASK, 1 << l7);
  view.setUint8(rulesAt + RULE_L7_MASK, 1 << l7);
  view.setUint8(rulesAt + RULE_FAMILY_MASK, BOTH_FAMILIES);
  view.setUint16(rulesAt + RULE_STRATEGY, 0, true);
  view.setUint8(strategiesAt + STRATEGY_L7, l7);
  view.setUint8(strategiesAt + STRATEGY_OP_COUNT, ops.length);
  u32(strategiesAt + STRATEGY_OPS_AT, opsAt);
  let at = textAt;
  for (const [i, op] of ops.entries()) {
    writeOperation(view, opsAt + i * OP_BYTES, op, at);
    if (op.text !== undefined) table.set(op.text, at);
    at += op.text?.length ?? 0;
  }
  return table;
}

function writeOperation(view: DataView, at: number, op: Op, textAt: number): void {
  view.setUint8(at + OP_TECHNIQUE, op.technique);
  view.setUint8(at + OP_POINT_COUNT, op.points?.length ?? 0);
  view.setUint16(at + OP_FOOLINGS, op.foolings ?? 0, true);
  view.setUint8(at + OP_TTL, op.ttl ?? 0);
  view.setUint8(at + OP_REPEATS, op.repeats ?? 1);
  view.setUint8(at + OP_DECOY, op.decoy ?? Decoy.Name);
  view.setUint8(at + OP_FLAGS, op.flags ?? 0);
  view.setUint32(at + OP_NAME_AT, op.text === undefined ? 0 : textAt, true);
  view.setUint16(at + OP_NAME_BYTES, op.text?.length ?? 0, true);
  view.setUint16(at + OP_WORD, op.word ?? 0, true);
  for (const [i, [marker, offset]] of (op.points ?? []).entries()) {
    view.setUint8(at + OP_POINTS + i * POINT_BYTES, marker);
    view.setInt16(at + OP_POINTS + i * POINT_BYTES + 2, offset, true);
  }
  view.setInt32(at + OP_VALUE, op.value ?? 0, true);
  view.setInt32(at + OP_VALUE2, op.value2 ?? 0, true);
  view.setInt32(at + OP_TS_SHIFT, op.tsShift ?? 0, true);
  const [delta, min, max] = op.auto ?? [0, 0, 0];
  view.setInt8(at + OP_AUTO_DELTA, delta);
  view.setUint8(at + OP_AUTO_MIN, min);
  view.setUint8(at + OP_AUTO_MAX, max);
}
