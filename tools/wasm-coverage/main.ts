// `bun run coverage [path]…`: which lines of the engine the suites reach.
// 1. run the suites with the probed build   2. merge the marks of all processes   3. print a table, write lcov
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { FOLDER_VARIABLE } from "./folder.ts";
import { linesOf } from "./lines.ts";
import { probedEngine } from "./probed-engine.ts";
import { merge } from "./record.ts";
import { lcovOf, percentOfLines, tableOf } from "./report.ts";

const root = dirname(dirname(import.meta.dirname));
const SUITES = [
  ...["test/engine", "test/golden", "test/offload/laws.test.ts", "test/offload/coalesce.test.ts"],
  ...["packages/engine/src/engine.test.ts", "packages/engine/src/flows.test.ts"],
];
/** Per cent of the lines; what is missed is told of, line by line, in the README beside this file. */
const LINES_MIN = 98;
/** The debug build with probes is several times slower than what ships. */
const TEST_LIMIT_MS = 120_000;

process.exitCode = await main(process.argv.slice(2));

async function main(paths: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "bunnel-coverage-"));
  try {
    const failed = await runSuites(folder, paths);
    const engine = probedEngine();
    const marks = new Uint8Array(engine.probes.length);
    const names = readdirSync(folder);
    for (const name of names) {
      if (!name.startsWith(engine.build))
        throw new Error("coverage: expected one build, found a new one; run it again");
      merge(marks, readFileSync(join(folder, name)));
    }
    if (names.length === 0) throw new Error("coverage: expected a suite that uses the engine, found none");
    const files = linesOf(engine.probes, engine.places, marks);
    console.log(tableOf(files));
    mkdirSync(join(root, "coverage"), { recursive: true });
    writeFileSync(join(root, "coverage", "engine.lcov"), lcovOf(files));
    console.log("written: coverage/engine.lcov");
    if (failed) console.error("coverage: some tests failed, so the figures are not those of a sound tree");
    // Chosen paths reach what they reach.
    const percent = percentOfLines(files);
    const isLow = paths.length === 0 && percent < LINES_MIN;
    if (isLow) console.error(`coverage: expected ${LINES_MIN} % of the lines, found ${percent.toFixed(1)} %`);
    return failed || isLow ? 1 : 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** True when a test failed. Their output goes to the error stream, so that the table stands alone. */
async function runSuites(folder: string, paths: readonly string[]): Promise<boolean> {
  const chosen = paths.length > 0 ? paths : SUITES.filter((suite) => existsSync(join(root, suite)));
  const preload = join(import.meta.dirname, "preload.ts");
  const run = Bun.spawn(
    [process.execPath, "test", `--timeout=${TEST_LIMIT_MS}`, ...chosen.map((path) => `./${path}`)],
    {
      cwd: root,
      // Reaches the Bun processes that a suite starts, too.
      env: { ...process.env, [FOLDER_VARIABLE]: folder, BUN_OPTIONS: `--preload=${preload}` },
      stdin: "ignore",
      stdout: 2,
      stderr: "inherit",
    },
  );
  return (await run.exited) !== 0;
}
