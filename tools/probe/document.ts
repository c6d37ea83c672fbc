// Measures `bunnel probe` against every box of the gallery, live, and writes the table of docs/probe.md.
// Run it with: bun tools/probe/document.ts [case…]; it needs root, and takes ten minutes. Cases that are named are
// measured anew, the others stay.
import { join } from "node:path";
import { aboutCase, PROBE_CASES, type ProbeCase } from "./cases.ts";
import { openProbeRange, runProbeCase, type ProbeRun } from "./run-case.ts";

const PATH = join(import.meta.dirname, "../../docs/probe.md");
const BEGIN = "<!-- table: bun tools/probe/document.ts -->";
const END = "<!-- end of the table -->";
const PATIENCE_SECONDS = 1.5;

/** The document with new rows between its two marks. @throws Error where the marks are missing */
export function withTable(document: string, runs: readonly (readonly [ProbeCase, ProbeRun])[]): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/probe.md: expected ${BEGIN} and ${END}`);
  const rows = new Map<string, string>();
  for (const line of document.slice(begin, end).split("\n")) rows.set(/^\| (.*?) +\|/u.exec(line)?.[1] ?? "", line);
  for (const [probed, run] of runs) rows.set(probed.name, rowOf(probed, run));
  const table = [...HEAD, ...PROBE_CASES.flatMap(({ name }) => rows.get(name) ?? [])].join("\n");
  return `${document.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${document.slice(end)}`;
}

const HEAD = [
  "| box | what it does | diagnosis | recommended | tried | seconds | connections | KiB |",
  "| --- | --- | --- | --- | --- | --- | --- | --- |",
];

function rowOf(probed: ProbeCase, run: ProbeRun): string {
  const { summary, strategies, unsolved, unproved, tried, seconds, connections, kilobytes } = run;
  const rules = strategies.map((strategy) => `\`${strategy.replaceAll(/ {2,}/g, " ")}\``);
  const failed = unsolved.map((kind) => `nothing helps ${kind}`);
  const alone = unproved.map((family) => `proved over IPv${10 - family} alone`);
  const found = [...rules, ...failed, ...alone].join("; ") || "nothing";
  const cells = [probed.name, aboutCase(probed), summary, found, tried, seconds, connections, kilobytes];
  return `| ${cells.map(String).join(" | ")} |`;
}

async function main(names: readonly string[]): Promise<void> {
  await using range = await openProbeRange();
  for (const probed of PROBE_CASES.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const run = await runProbeCase(range, probed, {
      patienceSeconds: probed.patienceSeconds ?? PATIENCE_SECONDS,
      words: ["--seconds", "120", ...(probed.words ?? [])],
    });
    await Bun.write(PATH, withTable(await Bun.file(PATH).text(), [[probed, run]]));
    const isSolved = run.strategies.length > 0 && run.unsolved.length === 0;
    const isRight = probed.says.test(run.summary) && (probed.isSolved === undefined || probed.isSolved === isSolved);
    process.stdout.write(
      `${isRight ? "right" : "WRONG"} ${probed.name}: ${run.summary} | ${run.strategies.join(" | ")}`,
    );
    process.stdout.write(` | ${run.seconds} s, ${run.connections} connections\n`);
  }
}

if (import.meta.main) await main(process.argv.slice(2));
