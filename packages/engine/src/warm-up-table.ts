// A rule table for the warm-up alone, straight from the fields that the engine reads: one rule for every ClientHello to
// port 443, a strategy of a decoy, two cuts and the other order.
import {
  Fooling,
  HEADER_HOSTS_AT,
  HEADER_L7_MASK,
  HEADER_MAGIC,
  HEADER_RULE_COUNT,
  HEADER_RULES_AT,
  HEADER_STRATEGIES_AT,
  HEADER_STRATEGY_COUNT,
  HEADER_TOTAL_BYTES,
  HEADER_VERSION,
  HOST_PLACE_BYTES,
  L7,
  Marker,
  OP_BYTES,
  OP_FOOLINGS,
  OP_NAME_AT,
  OP_NAME_BYTES,
  OP_POINT_COUNT,
  OP_POINTS,
  OP_REPEATS,
  OP_TECHNIQUE,
  OP_TTL,
  POINT_BYTES,
  RULE_BYTES,
  RULE_FAMILY_MASK,
  RULE_L7_MASK,
  RULES_HEADER_BYTES,
  RULES_MAGIC,
  RULES_VERSION,
  STRATEGY_BYTES,
  STRATEGY_L7,
  STRATEGY_OP_COUNT,
  STRATEGY_OPS_AT,
  Technique,
} from "@bunnel/abi";

const RULES_AT = RULES_HEADER_BYTES;
const STRATEGIES_AT = RULES_AT + RULE_BYTES;
const OPS_AT = STRATEGIES_AT + STRATEGY_BYTES;
const OPS = 3;
const HOSTS_AT = OPS_AT + OPS * OP_BYTES;
const NAME_AT = HOSTS_AT + HOST_PLACE_BYTES;
const NAME = "www.example.org";
const BOTH_FAMILIES = 3;
const DECOY_TTL = 3;

/** The same for every engine; `checkTable` accepts it. */
export function warmUpTable(): Uint8Array {
  const table = new Uint8Array((NAME_AT + NAME.length + 3) & ~3);
  const view = new DataView(table.buffer);
  const header: readonly (readonly [at: number, value: number])[] = [
    [HEADER_MAGIC, RULES_MAGIC],
    [HEADER_VERSION, RULES_VERSION],
    [HEADER_TOTAL_BYTES, table.length],
    [HEADER_RULE_COUNT, 1],
    [HEADER_STRATEGY_COUNT, 1],
    [HEADER_RULES_AT, RULES_AT],
    [HEADER_STRATEGIES_AT, STRATEGIES_AT],
    [HEADER_HOSTS_AT, HOSTS_AT],
    [HEADER_L7_MASK, 1 << L7.Tls],
  ];
  for (const [at, value] of header) view.setUint32(at, value, true);
  view.setUint8(RULES_AT + RULE_L7_MASK, 1 << L7.Tls);
  view.setUint8(RULES_AT + RULE_FAMILY_MASK, BOTH_FAMILIES);
  view.setUint8(STRATEGIES_AT + STRATEGY_L7, L7.Tls);
  view.setUint8(STRATEGIES_AT + STRATEGY_OP_COUNT, OPS);
  view.setUint32(STRATEGIES_AT + STRATEGY_OPS_AT, OPS_AT, true);
  writeOperations(view);
  new TextEncoder().encodeInto(NAME, table.subarray(NAME_AT));
  return table;
}

function writeOperations(view: DataView): void {
  const fake = OPS_AT;
  view.setUint8(fake + OP_TECHNIQUE, Technique.Fake);
  view.setUint16(fake + OP_FOOLINGS, Fooling.Ttl, true);
  view.setUint8(fake + OP_TTL, DECOY_TTL);
  view.setUint8(fake + OP_REPEATS, 1);
  view.setUint32(fake + OP_NAME_AT, NAME_AT, true);
  view.setUint16(fake + OP_NAME_BYTES, NAME.length, true);
  const split = fake + OP_BYTES;
  view.setUint8(split + OP_TECHNIQUE, Technique.Split);
  view.setUint8(split + OP_POINT_COUNT, 2);
  view.setUint8(split + OP_POINTS, Marker.Absolute);
  view.setInt16(split + OP_POINTS + 2, 1, true);
  view.setUint8(split + OP_POINTS + POINT_BYTES, Marker.MidSld);
  view.setUint8(split + OP_BYTES + OP_TECHNIQUE, Technique.Disorder);
}
