// The door for rule tables: the engine reads a table as it is, so nothing may stand in it that leads outside or round
// in circles. `@bunnel/profile` writes tables that pass; what the words mean is checked there.
import {
  ADDRESS_RANGE_V4_BYTES,
  ADDRESS_RANGE_V6_BYTES,
  ADDRESS_RANGES_MAX,
  ADDRESS_SET_BYTES,
  ADDRESS_SET_V4_AT,
  ADDRESS_SET_V4_COUNT,
  ADDRESS_SET_V6_AT,
  ADDRESS_SET_V6_COUNT,
  ADDRESS_SETS_MAX,
  HEADER_ADDRESS_SET_COUNT,
  HEADER_ADDRESS_SETS_AT,
  HEADER_FILTER_BITS,
  HEADER_HOSTS_AT,
  HEADER_HOSTS_MASK,
  HEADER_MAGIC,
  HEADER_RULE_COUNT,
  HEADER_RULES_AT,
  HEADER_STRATEGIES_AT,
  HEADER_STRATEGY_COUNT,
  HEADER_TOTAL_BYTES,
  HEADER_VERSION,
  HOST_HASH,
  HOST_PLACE_BYTES,
  HOST_TEXT_AT,
  HOST_TEXT_BYTES,
  OP_BYTES,
  OP_NAME_AT,
  OP_NAME_BYTES,
  OP_POINT_COUNT,
  OP_REPEATS,
  OPS_MAX,
  POINTS_MAX,
  PORT_RANGES_MAX,
  REPEATS_MAX,
  RULE_ADDRESS_SET,
  RULE_BYTES,
  RULE_EXCLUDE,
  RULE_PORT_COUNT,
  RULE_STRATEGY,
  RULES_HEADER_BYTES,
  RULES_MAGIC,
  RULES_MAX,
  RULES_TABLE_BYTES,
  RULES_VERSION,
  STRATEGY_BYTES,
  STRATEGY_OP_COUNT,
  STRATEGY_OPS_AT,
} from "@bunnel/abi";

/** Strategies of one table; a rule names one by a 16-bit number, of which the last means "leave alone". */
const STRATEGIES_MAX = RULE_EXCLUDE;
const HOST_PLACES_MAX = RULES_TABLE_BYTES / HOST_PLACE_BYTES;

/** @throws RangeError that says what was expected, what was found, and at which octet of the table */
export function checkTable(table: Uint8Array): void {
  within("rule table", table.length, RULES_HEADER_BYTES, RULES_TABLE_BYTES, 0);
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const u32 = (at: number): number => view.getUint32(at, true);
  within("magic", u32(HEADER_MAGIC), RULES_MAGIC, RULES_MAGIC, HEADER_MAGIC);
  within("version", u32(HEADER_VERSION), RULES_VERSION, RULES_VERSION, HEADER_VERSION);
  // The filter is the host's to lay: a table that speaks of one would lead behind its own end.
  within("filter bits", u32(HEADER_FILTER_BITS), 0, 0, HEADER_FILTER_BITS);
  within("total octets", u32(HEADER_TOTAL_BYTES), table.length, table.length, HEADER_TOTAL_BYTES);
  const strategies = checkStrategies(view);
  checkRuleList(view, strategies, checkAddressSets(view));
  checkHostPlaces(view);
}

function checkStrategies(view: DataView): number {
  const count = view.getUint32(HEADER_STRATEGY_COUNT, true);
  within("strategies", count, 0, STRATEGIES_MAX, HEADER_STRATEGY_COUNT);
  const first = area(view, HEADER_STRATEGIES_AT, count * STRATEGY_BYTES);
  for (let i = 0; i < count; i++) {
    const at = first + i * STRATEGY_BYTES;
    const ops = view.getUint8(at + STRATEGY_OP_COUNT);
    within("operations", ops, 0, OPS_MAX, at);
    const opsAt = area(view, at + STRATEGY_OPS_AT, ops * OP_BYTES);
    for (let op = 0; op < ops; op++) checkOperation(view, opsAt + op * OP_BYTES);
  }
  return count;
}

function checkOperation(view: DataView, at: number): void {
  within("points", view.getUint8(at + OP_POINT_COUNT), 0, POINTS_MAX, at);
  within("repeats", view.getUint8(at + OP_REPEATS), 0, REPEATS_MAX, at);
  area(view, at + OP_NAME_AT, view.getUint16(at + OP_NAME_BYTES, true));
}

/** Returns how many sets there are. */
function checkAddressSets(view: DataView): number {
  const count = view.getUint32(HEADER_ADDRESS_SET_COUNT, true);
  within("address sets", count, 0, ADDRESS_SETS_MAX, HEADER_ADDRESS_SET_COUNT);
  const first = area(view, HEADER_ADDRESS_SETS_AT, count * ADDRESS_SET_BYTES);
  for (let i = 0; i < count; i++) {
    const at = first + i * ADDRESS_SET_BYTES;
    const ranges4 = view.getUint32(at + ADDRESS_SET_V4_COUNT, true);
    const ranges6 = view.getUint32(at + ADDRESS_SET_V6_COUNT, true);
    within("IPv4 ranges", ranges4, 0, ADDRESS_RANGES_MAX, at + ADDRESS_SET_V4_COUNT);
    within("IPv6 ranges", ranges6, 0, ADDRESS_RANGES_MAX, at + ADDRESS_SET_V6_COUNT);
    area(view, at + ADDRESS_SET_V4_AT, ranges4 * ADDRESS_RANGE_V4_BYTES);
    area(view, at + ADDRESS_SET_V6_AT, ranges6 * ADDRESS_RANGE_V6_BYTES);
  }
  return count;
}

function checkRuleList(view: DataView, strategies: number, addressSets: number): void {
  const count = view.getUint32(HEADER_RULE_COUNT, true);
  within("rules", count, 0, RULES_MAX, HEADER_RULE_COUNT);
  const first = area(view, HEADER_RULES_AT, count * RULE_BYTES);
  for (let i = 0; i < count; i++) {
    const at = first + i * RULE_BYTES;
    within("port ranges", view.getUint16(at + RULE_PORT_COUNT, true), 0, PORT_RANGES_MAX, at);
    within("address set of a rule", view.getUint16(at + RULE_ADDRESS_SET, true), 0, addressSets, at);
    const strategy = view.getUint16(at + RULE_STRATEGY, true);
    if (strategy !== RULE_EXCLUDE) within("strategy of a rule", strategy, 0, strategies - 1, at);
  }
}

function checkHostPlaces(view: DataView): void {
  const mask = view.getUint32(HEADER_HOSTS_MASK, true);
  within("host places", mask + 1, 1, HOST_PLACES_MAX, HEADER_HOSTS_MASK);
  if ((mask & (mask + 1)) !== 0) {
    throw new RangeError(`host places at octet ${HEADER_HOSTS_MASK}: expected a power of two, found ${mask + 1}`);
  }
  const first = area(view, HEADER_HOSTS_AT, (mask + 1) * HOST_PLACE_BYTES);
  for (let i = 0; i <= mask; i++) {
    const at = first + i * HOST_PLACE_BYTES;
    if (view.getUint32(at + HOST_HASH, true) !== 0) {
      area(view, at + HOST_TEXT_AT, view.getUint16(at + HOST_TEXT_BYTES, true));
    }
  }
}

/** The offset that stands at `field`, when as many octets from there lie inside the table. */
function area(view: DataView, field: number, bytes: number): number {
  const at = view.getUint32(field, true);
  within("offset", at, 0, view.byteLength - bytes, field);
  return at;
}

function within(what: string, found: number, least: number, most: number, at: number): void {
  if (found >= least && found <= most) return;
  throw new RangeError(
    `${what} at octet ${at}: expected ${least === most ? least : `${least}..${most}`}, found ${found}`,
  );
}
