// The figures of the memory in words.
import type { MemoryFigures } from "./memory-service.ts";

/** Name and value of each line; none where it is switched off. */
export function memoryRows(figures: MemoryFigures | undefined): [string, string][] {
  if (figures === undefined || !figures.enabled) return [];
  const { network, learned = 0, pinned = 0, changes = {}, failures = {}, worked = 0, helpless = 0 } = figures;
  const kept = figures.file === null ? "not kept" : `in ${figures.file}`;
  const rows: [string, string][] = [
    ["memory", `${learned} hosts learnt, ${pinned} pinned; ${kept}`],
    ["  network", network ?? "not known"],
  ];
  if (!figures.watching) return [...rows, ["  watching", "no"]];
  const changed = sum(changes);
  const none = helpless === 0 ? "" : `, ${helpless} times nothing helped`;
  return [
    ...rows,
    ["  flows watched", `${worked} worked, ${sum(failures)} failed${inWords(failures)}`],
    ["  strategy changes", `${changed}${inWords(changes)}${none}`],
  ];
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function inWords(counts: Readonly<Record<string, number>>): string {
  const told = Object.entries(counts).filter(([, count]) => count > 0);
  return told.length === 0 ? "" : ` (${told.map(([name, count]) => `${count} ${name}`).join(", ")})`;
}
