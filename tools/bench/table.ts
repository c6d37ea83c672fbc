// Rows as an aligned table for people.
import { isWithin, type Row } from "./row.ts";

type Cells = readonly string[];

const TITLES: Cells = ["", "against", "unit", "reference", "ours", "ratio", "95 %", "min..max", "budget", ""];
/** Columns of numbers stand to the right. */
const RIGHT = new Set([3, 4, 5, 6, 7, 8]);

/** A heading and one line per row, columns aligned; ends with a line feed. */
export function tableOf(title: string, rows: readonly Row[]): string {
  const all = [TITLES, ...rows.map(cellsOf)];
  // Most suites have no such intervals.
  const shown = TITLES.map((name, column) => name !== "95 %" || all.some((cells, row) => row > 0 && cells[column]));
  const lines = all.map((cells) => cells.filter((_, column) => shown[column]));
  const right = TITLES.map((_, column) => RIGHT.has(column)).filter((_, column) => shown[column]);
  const widths = right.map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? "").length)));
  const text = lines.map((cells) =>
    cells
      .map((cell, column) =>
        right[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
  return `${title}\n${text.map((line) => `  ${line}\n`).join("")}`;
}

function cellsOf(row: Row): Cells {
  const within = isWithin(row);
  return [
    row.name,
    row.against,
    row.unit,
    figure(row.reference),
    figure(row.ours),
    ratioText(row.ratio, 3),
    row.ratioInterval === undefined ? "" : rangeText(...row.ratioInterval),
    rangeText(row.ratioMin, row.ratioMax),
    budgetText(row),
    within === undefined ? "" : within ? "kept" : "MISSED",
  ];
}

/** Three or four digits that matter. */
export function figure(value: number): string {
  const size = Math.abs(value);
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function rangeText(least: number, greatest: number): string {
  return Number.isFinite(least) ? `${ratioText(least, 2)}..${ratioText(greatest, 2)}` : "";
}

/** Beside nothing there is no ratio. */
function ratioText(ratio: number, digits: number): string {
  return Number.isFinite(ratio) ? ratio.toFixed(digits) : "";
}

function budgetText({ budget, unit }: Row): string {
  if (budget === undefined) return "";
  const bound = budget.atLeast === undefined ? `<= ${budget.atMost ?? ""}` : `>= ${budget.atLeast}`;
  if (budget.of === "ratio") return bound;
  return budget.of === "ours" ? `${bound} ${unit}` : `+${bound} ${unit}`;
}
