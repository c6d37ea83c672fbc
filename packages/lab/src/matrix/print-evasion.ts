// The evasion table as text: one line a strategy, one letter a cell, columns with their names above.
import type { EvasionCell, EvasionTable } from "./evasion-table.ts";

/** The letter of each outcome. */
export const CELL_LETTERS: Readonly<Record<EvasionCell, string>> = {
  served: "P",
  blocked: ".",
  reset: "r",
  forged: "f",
  broken: "X",
  "-": " ",
};

export const CELL_LEGEND =
  "P served · . blocked · r reset · f a forged answer · X broken, no box to blame · blank: not for such messages";

/** Lines of the table; the names of the columns stand upright above their letters. No colours. */
export function printEvasion({ columns, rows }: EvasionTable): string {
  const width = Math.max(...rows.map(({ name }) => name.length), 0);
  const names = columns.map(({ name, id }) => (id === undefined ? name : `${id} ${name}`));
  const height = Math.max(...names.map((name) => name.length), 0);
  const head = Array.from({ length: height }, (_, line) => {
    const letters = names.map((name) => name.padStart(height)[line] ?? " ");
    return `${" ".repeat(width)}  ${letters.join(" ")}`;
  });
  const body = rows.map(
    ({ name, cells }) => `${name.padEnd(width)}  ${cells.map((cell) => CELL_LETTERS[cell]).join(" ")}`,
  );
  return [...head, ...body].map((line) => `${line.trimEnd()}\n`).join("");
}

/** A cell that is not as it was. */
export interface CellChange {
  readonly strategy: string;
  readonly column: string;
  readonly was: EvasionCell | undefined;
  readonly is: EvasionCell | undefined;
}

/** The table as data that a file can keep: rows by name, cells by column. */
export type KeptTable = Readonly<Record<string, Readonly<Record<string, EvasionCell>>>>;

export function keptTable({ columns, rows }: EvasionTable): KeptTable {
  return Object.fromEntries(
    rows.map(({ name, cells }) => {
      return [name, Object.fromEntries(columns.map((column, index) => [column.name, cells[index] ?? "-"]))];
    }),
  );
}

/** What differs between two tables: cells that changed, came or went. */
export function changesBetween(was: KeptTable, is: KeptTable): readonly CellChange[] {
  const strategies = new Set([...Object.keys(was), ...Object.keys(is)]);
  return [...strategies].flatMap((strategy) => {
    const [before = {}, after = {}] = [was[strategy], is[strategy]];
    const columns = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...columns]
      .map((column): CellChange => ({ strategy, column, was: before[column], is: after[column] }))
      .filter((change) => change.was !== change.is);
  });
}
