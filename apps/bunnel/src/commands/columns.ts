// Rows as columns that line up.
import { scaled } from "../ui/scaled.ts";

/** Each row as a line; the columns named in `right` are numbers and line up at their ends. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) => {
      const cells = row.map((cell, i) =>
        right.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
      );
      return `${cells.join("  ").trimEnd()}\n`;
    })
    .join("");
}

/** A figure that fits into five columns: 999, 12.3K, 4.5M. */
export function short(value: number): string {
  const { amount, unit } = scaled(value);
  return `${amount.toFixed(unit === "" || amount >= 99.95 ? 0 : 1)}${unit}`;
}

/** How long: 12s, 5m 3s, 2h 4m, 3d 1h. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3600)}h`;
}
