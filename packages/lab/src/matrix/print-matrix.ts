// The table as plain text.
import type { Matrix } from "./run-matrix.ts";

/** Aligned columns, one line a technique, the title first; ends with a line break. No colours. */
export function printMatrix(matrix: Matrix): string {
  const lines = [
    ["", ...matrix.censors],
    ...matrix.rows.map(({ technique, cells }) => [technique, ...cells.map(({ outcome }) => outcome)]),
  ];
  const columns = matrix.censors.length + 1;
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const text = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${[matrix.title, ...text].join("\n")}\n`;
}
