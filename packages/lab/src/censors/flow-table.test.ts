import { expect, test } from "bun:test";
import { FLOW_IDLE_MS, FLOWS_MAX, FlowTable } from "./flow-table.ts";

test("FlowTable keeps the flows that were used last", () => {
  const table = new FlowTable<number>(2);
  table.put("a", 1, 0);
  table.put("b", 2, 0);
  expect(table.use("a", 1)).toBe(1);
  table.put("c", 3, 2);
  expect([table.use("a", 3), table.use("b", 3), table.use("c", 3)]).toEqual([1, undefined, 3]);
});

test("FlowTable never holds more flows than its limit", () => {
  const table = new FlowTable<number>();
  for (let flow = 0; flow < FLOWS_MAX + 10; flow += 1) table.put(`${flow}`, flow, 0);
  expect(table.size).toBe(FLOWS_MAX);
});

test("FlowTable forgets a flow that was silent too long", () => {
  const table = new FlowTable<number>();
  table.put("a", 1, 0);
  expect(table.use("a", FLOW_IDLE_MS)).toBe(1);
  expect(table.use("a", 2 * FLOW_IDLE_MS + 1)).toBeUndefined();
  expect(table.size).toBe(0);
});

test("FlowTable.put() replaces a flow of the same key, and clear() forgets all", () => {
  const table = new FlowTable<number>(2);
  table.put("a", 1, 0);
  table.put("b", 2, 0);
  table.put("a", 3, 0);
  expect([table.use("a", 0), table.use("b", 0)]).toEqual([3, 2]);
  table.clear();
  expect(table.size).toBe(0);
});
