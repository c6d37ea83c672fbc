// The reviewed tables as files: a line for each strategy, a letter for each box.
import { CELL_LETTERS, type EvasionCell, type EvasionTable, type KeptTable } from "@bunnel/lab";

const NAME_WIDTH = 26;
const COLUMNS = "boxes:";
/** The letter of a cell in a file: no blank, so that lines split at blanks. */
const LETTERS: Readonly<Record<EvasionCell, string>> = { ...CELL_LETTERS, "-": "-" };

/** The text of a table's file. */
export function snapshotText(table: EvasionTable): string {
  const columns = table.columns.map(({ name }) => name);
  const rows = table.rows.map(({ name, cells }) => {
    return `${name.padEnd(NAME_WIDTH)} ${cells.map((cell) => LETTERS[cell]).join(" ")}`;
  });
  const title = `One TLS, HTTP, QUIC or DNS exchange over IPv${table.family}, home router: ${table.nat}.`;
  const legend = "P served, . blocked, r reset, f a forged answer, X broken without a box, - not for such messages.";
  return [title, legend, "", `${COLUMNS} ${columns.join(" ")}`, "", ...rows, ""].join("\n");
}

/** The table in such a text. */
export function readSnapshot(text: string): KeptTable {
  const lines = text.split("\n");
  const head = lines.findIndex((line) => line.startsWith(COLUMNS));
  const columns = (lines[head] ?? "").slice(COLUMNS.length).trim().split(" ");
  const rows = lines.slice(head + 1).filter((line) => line !== "");
  return Object.fromEntries(
    rows.map((line) => {
      const letters = line.slice(NAME_WIDTH).trim().split(" ");
      return [
        line.slice(0, NAME_WIDTH).trim(),
        Object.fromEntries(columns.map((name, i) => [name, cellOf(letters[i])])),
      ];
    }),
  );
}

function cellOf(letter: string | undefined): EvasionCell {
  const found = Object.entries(LETTERS).find(([, known]) => known === letter)?.[0];
  if (found === undefined) throw new Error(`snapshot: expected a letter of a cell, found ${letter ?? "nothing"}`);
  return found as EvasionCell;
}
