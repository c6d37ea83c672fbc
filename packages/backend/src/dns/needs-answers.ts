// Whether rules want queries to be answered.
import {
  HEADER_STRATEGIES_AT,
  HEADER_STRATEGY_COUNT,
  OP_TECHNIQUE,
  STRATEGY_BYTES,
  STRATEGY_OPS_AT,
  Technique,
} from "@bunnel/abi";

const ANSWERING: readonly number[] = [Technique.Doh, Technique.Redirect];

/**
 * True when a strategy of the table takes DNS queries out: whoever carries such a table must answer them. Nothing
 * stands beside such a technique, so it is the first.
 * @param table as `encodeRules` of @bunnel/profile writes it
 */
export function needsAnswers(table: Uint8Array): boolean {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const strategiesAt = view.getUint32(HEADER_STRATEGIES_AT, true);
  const strategies = view.getUint32(HEADER_STRATEGY_COUNT, true);
  for (let i = 0; i < strategies; i++) {
    const operationsAt = view.getUint32(strategiesAt + i * STRATEGY_BYTES + STRATEGY_OPS_AT, true);
    if (ANSWERING.includes(view.getUint8(operationsAt + OP_TECHNIQUE))) return true;
  }
  return false;
}
