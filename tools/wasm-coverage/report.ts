// Coverage as a table for people and as lcov (geninfo(1)) for tools.
import type { FileCoverage } from "./lines.ts";

/** One line per file, the sum, and the lines that were missed. */
export function tableOf(files: readonly FileCoverage[]): string {
  const rows = files.map((file) => ({
    name: file.path,
    lines: tally([...file.lines.values()]),
    arms: tally(file.arms.map(({ hit }) => hit)),
    missed: ranges([...file.lines].filter(([, hit]) => !hit).map(([line]) => line)),
  }));
  rows.push({
    name: "all files",
    lines: tally(files.flatMap(({ lines }) => [...lines.values()])),
    arms: tally(files.flatMap(({ arms }) => arms.map(({ hit }) => hit))),
    missed: "",
  });
  const width = Math.max(...rows.map(({ name }) => name.length));
  const shown = rows.map(({ name, lines, arms, missed }) =>
    `${name.padEnd(width)}  ${lines.padStart(20)}  ${arms.padStart(20)}  ${missed}`.trimEnd(),
  );
  return [`${"".padEnd(width)}  ${"lines".padStart(20)}  ${"branches".padStart(20)}  missed lines`, ...shown].join(
    "\n",
  );
}

/** How much of all lines was reached. */
export function percentOfLines(files: readonly FileCoverage[]): number {
  const lines = files.flatMap(({ lines: own }) => [...own.values()]);
  return (100 * lines.filter(Boolean).length) / Math.max(1, lines.length);
}

/** The same as an lcov trace file. */
export function lcovOf(files: readonly FileCoverage[]): string {
  const lines = files.flatMap((file) => [
    `SF:${file.path}`,
    ...file.arms.map(({ line, hit }, i) => `BRDA:${line},0,${i},${hit ? 1 : 0}`),
    `BRF:${file.arms.length}`,
    `BRH:${file.arms.filter(({ hit }) => hit).length}`,
    ...[...file.lines].map(([line, hit]) => `DA:${line},${hit ? 1 : 0}`),
    `LF:${file.lines.size}`,
    `LH:${[...file.lines.values()].filter(Boolean).length}`,
    "end_of_record",
  ]);
  return `${lines.join("\n")}\n`;
}

function tally(hits: readonly boolean[]): string {
  const hit = hits.filter(Boolean).length;
  const percent = hits.length === 0 ? 100 : (100 * hit) / hits.length;
  return `${hit}/${hits.length} (${percent.toFixed(1)} %)`;
}

/** `3, 7-9` for 3, 7, 8, 9. */
function ranges(lines: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const line of lines) {
    const last = parts.at(-1);
    if (last !== undefined && last[1] === line - 1) last[1] = line;
    else parts.push([line, line]);
  }
  return parts.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(", ");
}
