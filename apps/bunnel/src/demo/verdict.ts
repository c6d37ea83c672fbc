// What the table proves, in one sentence and one status.
import type { Board, CellState } from "./board.ts";
import { type Technique, WITHOUT } from "./plan.ts";

export interface DemoVerdict {
  readonly passed: boolean;
  /** For people: one sentence. */
  readonly summary: string;
  /** What speaks against it; empty when it passed. */
  readonly faults: readonly string[];
}

/**
 * Passed: without bunnel every censor blocked; with it each beatable censor was passed by at least one technique, none
 * of the controls was passed, and the name that nobody blocks was served throughout.
 */
export function judgeDemo(board: Board): DemoVerdict {
  const faults = board.plan.schemes.flatMap((scheme) => {
    const table = board.table(scheme);
    return board.plan.columns.flatMap(({ censor, beatable }) => {
      const cells = board.plan.techniques.map(({ title }) => [title, table[title]?.[censor] ?? "waiting"] as const);
      return columnFaults(cells, beatable).map((fault) => `${scheme}, ${censor}: ${fault}`);
    });
  });
  return { passed: faults.length === 0, summary: summaryOf(board, faults), faults };
}

type NamedCell = readonly [title: string, state: CellState];

function columnFaults(cells: readonly NamedCell[], beatable: boolean): readonly string[] {
  const faults: string[] = [];
  for (const [title, state] of cells) {
    if (state === "waiting" || state === "running") faults.push(`${title} was not tried to the end`);
    else if (title === WITHOUT && state !== "blocked" && state !== "reset")
      faults.push(`${title} the page was ${state}`);
    else if (state === "mixed" || state === "broken") faults.push(`${title} was ${state}`);
    else if (!beatable && state === "served") faults.push(`${title} passed a box that nothing here should pass`);
  }
  if (beatable && !cells.some(([title, state]) => title !== WITHOUT && state === "served")) {
    faults.push("no technique passed");
  }
  return faults;
}

function summaryOf(board: Board, faults: readonly string[]): string {
  const { columns, techniques } = board.plan;
  if (faults.length > 0) return `Not as it should be: ${faults.join("; ")}.`;
  const beatable = columns.filter((column) => column.beatable).length;
  const controls = columns.filter((column) => !column.beatable).map(({ censor }) => censor);
  const best = bestOf(board, techniques);
  return (
    `Without bunnel all ${columns.length} censors kept the blocked page away; with it ${beatable} of them let it ` +
    `through (${best.title} alone passed ${best.passed}), nothing passed the controls ${controls.join(" and ")}, and ` +
    `the allowed page was served in ${board.allowedServed} of ${board.allowedAsked} requests.`
  );
}

function bestOf(board: Board, techniques: readonly Technique[]): { title: string; passed: number } {
  const scores = techniques.map((technique) => ({ title: technique.title, passed: passedBy(board, technique) }));
  return scores.reduce((best, score) => (score.passed > best.passed ? score : best), { title: "none", passed: 0 });
}

/** Censors that a technique passes in every scheme. */
function passedBy(board: Board, technique: Technique): number {
  const { columns, schemes } = board.plan;
  return columns.filter((column) => schemes.every((scheme) => board.cell(scheme, technique, column).state === "served"))
    .length;
}
