// What was run, as a Markdown table that adds up: one row for each target and build of the engine.
import { existsSync, readFileSync, writeFileSync } from "node:fs";

export interface RunRow {
  /** Day of the last run in it, as 2026-11-21. */
  readonly date: string;
  /** Commit of the tree. */
  readonly commit: string;
  /** First digits of the SHA-256 of engine.wasm. */
  readonly engine: string;
  readonly target: string;
  readonly executions: number;
  readonly seconds: number;
  readonly edges: number;
  /** Probes that the build has; 0: a run without probes. */
  readonly probes: number;
  readonly traps: number;
  readonly brokenLaws: number;
}

const COLUMNS = ["date", "commit", "engine", "target", "executions", "seconds", "edges", "traps", "broken laws"];
const HEAD = [`| ${COLUMNS.join(" | ")} |`, `|${COLUMNS.map((_, i) => (i < 4 ? "---|" : "---:|")).join("")}`];
const SUM = "all";
const NONE = "–";
const CELLS = ["[\\d-]+", "\\w+", "\\w+", "\\w+", "\\d+", "\\d+", "\\d+ of \\d+|–", "\\d+", "\\d+"];
const ROW = new RegExp(`^\\| ${CELLS.map((cell) => `(${cell})`).join(" \\| ")} \\|$`, "u");

/** Adds a run to the file; returns all its rows. */
export function addRun(path: string, run: RunRow): readonly RunRow[] {
  const rows = existsSync(path) ? readRows(readFileSync(path, "utf8")) : [];
  const place = rows.findIndex(({ engine, target }) => engine === run.engine && target === run.target);
  const known = rows[place];
  if (known === undefined) rows.push(run);
  else rows[place] = sumOf(known, run);
  writeFileSync(path, `${printRows(rows)}\n`);
  return rows;
}

/** Rows of a table that `printRows` printed; other lines mean nothing. */
export function readRows(text: string): RunRow[] {
  const rows = text.split("\n").flatMap((line) => {
    const cells = ROW.exec(line)?.slice(1);
    if (cells === undefined) return [];
    const [date = "", commit = "", engine = "", target = "", executions, seconds, reached = "", traps, laws] = cells;
    const [edges, probes] = reached === NONE ? [] : reached.split(" of ");
    return {
      ...{ date, commit, engine, target, executions: Number(executions), seconds: Number(seconds) },
      ...{ edges: Number(edges ?? 0), probes: Number(probes ?? 0), traps: Number(traps), brokenLaws: Number(laws) },
    };
  });
  return rows.filter(({ target }) => target !== SUM);
}

/** The table, with a sum for each build that has several targets. */
export function printRows(rows: readonly RunRow[]): string {
  const builds = [...new Set(rows.map(({ engine }) => engine))];
  const lines = builds.flatMap((engine) => {
    const own = rows.filter((row) => row.engine === engine);
    // Runs without probes count something else.
    const [first, ...others] = own.filter(({ probes }) => probes > 0);
    if (first === undefined || others.length === 0) return own.map(lineOf);
    return [...own, { ...others.reduce(sumOf, first), target: SUM }].map(lineOf);
  });
  return [...HEAD, ...lines].join("\n");
}

function sumOf(left: RunRow, right: RunRow): RunRow {
  return {
    ...right,
    executions: left.executions + right.executions,
    seconds: left.seconds + right.seconds,
    edges: Math.max(left.edges, right.edges),
    probes: Math.max(left.probes, right.probes),
    traps: left.traps + right.traps,
    brokenLaws: left.brokenLaws + right.brokenLaws,
  };
}

function lineOf({ date, commit, engine, target, executions, seconds, edges, probes, ...found }: RunRow): string {
  const reached = probes === 0 ? NONE : `${edges} of ${probes}`;
  const cells = [date, commit, engine, target, executions, seconds, reached, found.traps, found.brokenLaws];
  return `| ${cells.join(" | ")} |`;
}
