import { expect, test } from "bun:test";
import type { Outcome } from "@bunnel/lab/live";
import { type Attempt, Board } from "./board.ts";
import { demoPlan, type DemoPlan } from "./plan.ts";

const plan: DemoPlan = demoPlan(3, true);
const [technique] = plan.techniques;
const [column] = plan.columns;
if (!technique || !column) throw new Error("the plan is empty");

function finished(...outcomes: readonly [Attempt["name"], Outcome][]): Board {
  const board = new Board(plan);
  const attempts = outcomes.map(([name, outcome], i) => ({
    label: `IPv${i % 2 ? 6 : 4}`,
    name,
    outcome,
    detail: "seen",
  }));
  if (technique && column) board.finish("https", technique, column, attempts);
  return board;
}

function stateOf(board: Board): string | undefined {
  return technique && column && board.table("https")[technique.title]?.[column.censor];
}

test("Board.finish() gives a cell the outcome on which all families agree", () => {
  expect(stateOf(finished(["blocked", "reset"], ["blocked", "reset"], ["allowed", "served"]))).toBe("reset");
});

test("Board.finish() says mixed where the families differ, and which saw what", () => {
  const board = finished(["blocked", "served"], ["blocked", "blocked"]);
  expect(stateOf(board)).toBe("mixed");
  expect(board.details()).toEqual(["https, without bunnel, packet: mixed, IPv4 served, IPv6 blocked"]);
});

test("Board.finish() says broken where the allowed name suffered, whatever else was seen", () => {
  expect(stateOf(finished(["blocked", "served"], ["allowed", "blocked"]))).toBe("broken");
});

test("Board counts the requests for the allowed name", () => {
  const board = finished(["allowed", "served"], ["allowed", "wrong"], ["blocked", "served"]);
  expect([board.allowedServed, board.allowedAsked]).toEqual([1, 2]);
});

test("Board.table() has a cell for every technique and censor from the start", () => {
  const table = new Board(plan).table("https");
  expect(Object.keys(table)).toEqual(plan.techniques.map(({ title }) => title));
  for (const row of Object.values(table)) expect(new Set(Object.values(row))).toEqual(new Set(["waiting"]));
});
