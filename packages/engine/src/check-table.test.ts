import { describe, expect, test } from "bun:test";
import {
  ADDRESS_SET_V4_COUNT,
  HEADER_ADDRESS_SET_COUNT,
  HEADER_ADDRESS_SETS_AT,
  HEADER_HOSTS_AT,
  HEADER_HOSTS_MASK,
  HEADER_MAGIC,
  HEADER_RULE_COUNT,
  HEADER_RULES_AT,
  HEADER_STRATEGIES_AT,
  HEADER_TOTAL_BYTES,
  HEADER_VERSION,
  HOST_PLACE_BYTES,
  RULE_ADDRESS_SET,
  RULE_BYTES,
  RULES_HEADER_BYTES,
  RULES_MAGIC,
  RULES_VERSION,
} from "@bunnel/abi";
import { checkTable } from "./check-table.ts";

/** A table of one rule without strategy ("leave alone") and one empty host place. */
function smallTable(): { table: Uint8Array; view: DataView } {
  const table = new Uint8Array(RULES_HEADER_BYTES + RULE_BYTES + HOST_PLACE_BYTES);
  const view = new DataView(table.buffer);
  view.setUint32(HEADER_MAGIC, RULES_MAGIC, true);
  view.setUint32(HEADER_VERSION, RULES_VERSION, true);
  view.setUint32(HEADER_TOTAL_BYTES, table.length, true);
  view.setUint32(HEADER_RULE_COUNT, 1, true);
  view.setUint32(HEADER_RULES_AT, RULES_HEADER_BYTES, true);
  view.setUint32(HEADER_STRATEGIES_AT, RULES_HEADER_BYTES, true);
  view.setUint32(HEADER_HOSTS_AT, RULES_HEADER_BYTES + RULE_BYTES, true);
  view.setUint16(RULES_HEADER_BYTES + 2, 0xffff, true);
  return { table, view };
}

describe("checkTable()", () => {
  test("takes a table whose parts lie inside it", () => {
    expect(() => checkTable(smallTable().table)).not.toThrow();
  });

  test("refuses other octets", () => {
    expect(() => checkTable(new Uint8Array(10))).toThrow("rule table at octet 0: expected 64..33554432, found 10");
    const { table, view } = smallTable();
    view.setUint32(HEADER_MAGIC, 7, true);
    expect(() => checkTable(table)).toThrow("magic at octet 0");
  });

  test("refuses more rules than there is room for", () => {
    const { table, view } = smallTable();
    view.setUint32(HEADER_RULE_COUNT, 900, true);
    expect(() => checkTable(table)).toThrow(/offset at octet 20/u);
    view.setUint32(HEADER_RULE_COUNT, 0xffffffff, true);
    expect(() => checkTable(table)).toThrow(/rules at octet 12: expected 0\.\.1024/u);
  });

  test("refuses a rule with a strategy that is not there", () => {
    const { table, view } = smallTable();
    view.setUint16(RULES_HEADER_BYTES + 2, 3, true);
    expect(() => checkTable(table)).toThrow(/strategy of a rule/u);
  });

  test("refuses address sets outside the table, and a rule that names one that is not there", () => {
    const { table, view } = smallTable();
    view.setUint16(RULES_HEADER_BYTES + RULE_ADDRESS_SET, 1, true);
    expect(() => checkTable(table)).toThrow(/address set of a rule at octet 64: expected 0, found 1/u);
    view.setUint32(HEADER_ADDRESS_SET_COUNT, 1, true);
    // The host place serves as a set: no ranges of either family.
    view.setUint32(HEADER_ADDRESS_SETS_AT, RULES_HEADER_BYTES + RULE_BYTES, true);
    expect(() => checkTable(table)).not.toThrow();
    view.setUint32(RULES_HEADER_BYTES + RULE_BYTES + ADDRESS_SET_V4_COUNT, 100, true);
    expect(() => checkTable(table)).toThrow(/offset at octet 112/u);
    view.setUint32(HEADER_ADDRESS_SET_COUNT, 257, true);
    expect(() => checkTable(table)).toThrow(/address sets at octet 44: expected 0\.\.256/u);
  });

  test("refuses host places outside the table, and a number of them that is no power of two", () => {
    const { table, view } = smallTable();
    view.setUint32(HEADER_HOSTS_MASK, 2, true);
    expect(() => checkTable(table)).toThrow(/power of two, found 3/u);
    view.setUint32(HEADER_HOSTS_MASK, 0xff, true);
    expect(() => checkTable(table)).toThrow(/offset at octet 28/u);
    view.setUint32(HEADER_HOSTS_MASK, 0xffffffff, true);
    expect(() => checkTable(table)).toThrow(/host places/u);
  });
});
