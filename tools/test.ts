// `run.sh test [part of a path]…`: everything that must hold.
// 1. build the engine   2. types, lint, format   3. every test file in a process of its own
// 4. what failed and needs a kernel and its networks once more, alone   5. the sum, last line
// Named parts of paths choose test files; the checks of step 2 are then left out.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runAgain } from "./testing/again.ts";
import { build, runCheck, seconds, sourceChecks } from "./testing/checks.ts";
import { failures } from "./testing/failures.ts";
import { type Counts, total } from "./testing/junit.ts";
import { runTestFile } from "./testing/test-file.ts";

const root = dirname(import.meta.dirname);
const GROUPS = ["packages", "apps", "tools", "wasm", "test"];
const FILE_LIMIT_MS = 600_000;
/** Files that were not begun by then are counted as failures, so that a slow run still says what it knows. */
const RUN_LIMIT_MS = 60 * 60_000;
const OUTPUT_LINES_MAX = 300;
/** Where files start programs, or have a registry's packages installed. */
const LATE_PLACES = ["test/e2e/", "test/ui/", "test/cli/", "tools/release/", "tools/site/"];
/** What each file's last failing attempt said, for the end of the run: a long log is read from there. */
const said = new Map<string, string>();

process.exitCode = await main(process.argv.slice(2));

async function main(parts: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  const results: Counts[] = [];
  for (const check of parts.length === 0 ? [build, ...sourceChecks] : [build]) {
    const passed = await runCheck(root, check);
    results.push({ passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 });
  }
  const isChosen = (file: string): boolean => parts.length === 0 || parts.some((part) => file.includes(part));
  const files = GROUPS.flatMap(testFiles).filter(isChosen);
  const leftMs = (): number => RUN_LIMIT_MS - (performance.now() - startedMs);
  const counts = new Map<string, Counts>();
  for (const file of files) counts.set(file, await runFile(file, leftMs()));
  const again = await runAgain(counts, canBeLate, (file) => runFile(file, leftMs()));
  results.push(...counts.values());
  const { passed, failed, skipped } = total(results);
  const mustRunAll = canRunAll();
  if (skipped > 0 && mustRunAll) console.log(`${skipped} skipped where every test can run: this run does not count`);
  for (const file of again) console.log(`passed at the second attempt only: ${file}`);
  for (const [file, { failed: inFile }] of counts)
    if (inFile > 0) console.log(`failed: ${file}\n${said.get(file) ?? ""}`);
  console.log(`${files.length} files in ${seconds(performance.now() - startedMs)}`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed > 0 || (skipped > 0 && mustRunAll) ? 1 : 0;
}

async function runFile(file: string, leftMs: number): Promise<Counts> {
  if (leftMs <= 0) {
    console.log(`FAIL ${file}: not begun, the run reached its limit of ${RUN_LIMIT_MS / 60_000} minutes`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  if (!canRunAll() && needsRoot(file)) {
    console.log(`skip ${file}: needs root on Linux with /dev/net/tun`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const result = await runTestFile(root, file, Math.min(FILE_LIMIT_MS, leftMs));
  const { passed, failed, skipped, fault } = result;
  const skips = skipped > 0 ? `, ${skipped} skipped: ${result.skippedNames.join("; ")}` : "";
  if (failed > 0) {
    console.log(lastLines(result.output));
    said.set(file, failures(result.output));
  }
  const outcome = `${passed} of ${passed + failed}${skips} (${seconds(result.elapsedMs)})`;
  console.log(`${failed > 0 ? "FAIL" : "ok  "} ${file}: ${outcome}`);
  if (fault !== undefined) console.log(`FAIL ${file}: ${fault}`);
  return result;
}

/** Whether a machine that is late with its kernel, its networks, a registry or other programs can make a file fail. */
function canBeLate(file: string): boolean {
  return needsRoot(file) || LATE_PLACES.some((place) => file.startsWith(place));
}

function testFiles(group: string): string[] {
  const found = new Bun.Glob(`${group}/**/*.test.ts`).scanSync({ cwd: root, followSymlinks: false });
  return [...found].filter((file) => !/(^|\/)(node_modules|build)\//.test(file)).toSorted();
}

function lastLines(output: string): string {
  const lines = output.trimEnd().split("\n");
  const cut = lines.length - OUTPUT_LINES_MAX;
  return cut > 0 ? [`(${cut} lines left out)`, ...lines.slice(cut)].join("\n") : lines.join("\n");
}

/** A file says in its first line that none of its tests can run without privileges; it is then skipped as one. */
function needsRoot(file: string): boolean {
  return readFileSync(join(root, file), "utf8").startsWith("// needs root");
}

/** Root on Linux with the TUN driver: there a skipped test is a hole and not a kindness. */
function canRunAll(): boolean {
  return process.platform === "linux" && process.getuid?.() === 0 && existsSync("/dev/net/tun");
}
