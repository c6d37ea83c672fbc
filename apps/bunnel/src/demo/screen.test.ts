import { expect, test } from "bun:test";
import { Board } from "./board.ts";
import { demoPlan } from "./plan.ts";
import { openScreen, type Screen } from "./screen.ts";

class Recorder {
  text = "";
  constructor(
    readonly isTTY: boolean,
    readonly columns = 200,
    readonly rows = 60,
  ) {}
  write(text: string): void {
    this.text += text;
  }
}

function show(output: Recorder, colour = false): { board: Board; screen: Screen } {
  const board = new Board(demoPlan(3, true));
  const screen = openScreen(board, output, colour);
  board.changed = () => screen.update();
  return { board, screen };
}

function fill(board: Board, screen: Screen): void {
  const [technique] = board.plan.techniques;
  if (!technique) throw new Error("the plan is empty");
  for (const column of board.plan.columns) {
    board.finish("https", technique, column, [{ label: "IPv4", name: "blocked", outcome: "blocked", detail: "" }]);
  }
  screen.rowDone(technique);
}

test("openScreen() writes one line a technique where the output is no terminal", () => {
  const output = new Recorder(false);
  const { board, screen } = show(output);
  fill(board, screen);
  const lines = output.text.trimEnd().split("\n");
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^ +packet +first-packet +inorder +full-first +full-cksum +full-last +strict$/);
  expect(lines[1]).toMatch(/^https {2}without bunnel( +✗ blocked){7}$/);
  expect(output.text).not.toContain("\x1b");
});

test("openScreen() puts each word below its censor", () => {
  const output = new Recorder(false);
  const { board, screen } = show(output);
  fill(board, screen);
  const [header = "", row = ""] = output.text.split("\n");
  for (const { censor } of board.plan.columns) expect(row[header.indexOf(censor)]).toBe("✗");
});

test("openScreen() draws the whole table over itself on a terminal", () => {
  const output = new Recorder(true);
  const { board, screen } = show(output);
  fill(board, screen);
  const table = 1 + 1 + board.plan.techniques.length + 1;
  expect(output.text).toContain(`\x1b[${table}A`);
  expect(output.text.split("\n").length - 1).toBe(table * (board.plan.columns.length + 1));
});

test.each([
  ["low", 200, 5],
  ["narrow", 60, 60],
])("openScreen() writes lines on a terminal that is too %s", (_, columns, rows) => {
  const output = new Recorder(true, columns, rows);
  const { board, screen } = show(output);
  fill(board, screen);
  expect(output.text).not.toContain("\x1b");
});

test("openScreen() colours words only when told to", () => {
  const output = new Recorder(false);
  const { board, screen } = show(output, true);
  fill(board, screen);
  expect(output.text).toContain("\x1b[31m✗ blocked");
});
