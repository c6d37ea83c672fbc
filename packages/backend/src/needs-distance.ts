// Whether rules want to know how far away the other side is.
import {
  Fooling,
  HEADER_STRATEGIES_AT,
  HEADER_STRATEGY_COUNT,
  OP_BYTES,
  OP_FOOLINGS,
  STRATEGY_BYTES,
  STRATEGY_OP_COUNT,
  STRATEGY_OPS_AT,
} from "@bunnel/abi";

/**
 * True when an operation of the table takes its hop limit from the distance that a SYN,ACK tells. Whoever carries such
 * a table must see the SYN,ACKs that arrive.
 * @param table as `encodeRules` of @bunnel/profile writes it
 */
export function needsDistance(table: Uint8Array): boolean {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const strategiesAt = view.getUint32(HEADER_STRATEGIES_AT, true);
  const strategies = view.getUint32(HEADER_STRATEGY_COUNT, true);
  for (let i = 0; i < strategies; i++) {
    const strategy = strategiesAt + i * STRATEGY_BYTES;
    const operationsAt = view.getUint32(strategy + STRATEGY_OPS_AT, true);
    const operations = view.getUint8(strategy + STRATEGY_OP_COUNT);
    for (let k = 0; k < operations; k++) {
      const foolings = view.getUint16(operationsAt + k * OP_BYTES + OP_FOOLINGS, true);
      if ((foolings & Fooling.AutoTtl) !== 0) return true;
    }
  }
  return false;
}
