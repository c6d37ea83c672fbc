// One test file in a process of its own: a crash or a hang costs that file and no other.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Counts, readCounts, skippedNames } from "./junit.ts";
import { type ProcessResult, runProcess } from "./process.ts";

/** A single test's limit; native suites open devices and namespaces. */
const TEST_LIMIT_MS = 60_000;

/** What a test file came to, with the sentence and the output to show when it failed. */
export interface FileResult extends Counts {
  readonly file: string;
  /** Why the file failed as a whole, where that is not one test's failure. */
  readonly fault: string | undefined;
  readonly skippedNames: readonly string[];
  readonly output: string;
  readonly elapsedMs: number;
}

/** Runs `file`, a path below `root`. Whatever happens to the process, the answer has a count. */
export async function runTestFile(root: string, file: string, limitMs: number): Promise<FileResult> {
  const folder = mkdtempSync(join(tmpdir(), "bunnel-report-"));
  try {
    const reportPath = join(folder, "report.xml");
    const reporter = ["--reporter=junit", `--reporter-outfile=${reportPath}`];
    const command = [process.execPath, "test", `--timeout=${TEST_LIMIT_MS}`, ...reporter, `./${file}`];
    const ended = await runProcess(command, root, limitMs);
    const report = existsSync(reportPath) ? readFileSync(reportPath, "utf8") : "";
    return judge(file, ended, report, limitMs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Counts a run; a file that ended badly without a failing test, or that tested nothing, counts as one failure. */
export function judge(file: string, ended: ProcessResult, report: string, limitMs: number): FileResult {
  const counts = readCounts(report) ?? { passed: 0, failed: 0, skipped: 0 };
  const fault = faultOf(ended, counts, limitMs);
  return {
    file,
    passed: counts.passed,
    failed: counts.failed + (fault === undefined ? 0 : 1),
    skipped: counts.skipped,
    fault,
    skippedNames: skippedNames(report),
    output: ended.output,
    elapsedMs: ended.elapsedMs,
  };
}

function faultOf(ended: ProcessResult, counts: Counts, limitMs: number): string | undefined {
  if (ended.timedOut) return `did not end within ${limitMs / 1000} s and was ended`;
  const signalled = (ended.exitCode ?? 0) > 128 ? `exit code ${ended.exitCode}` : undefined;
  const crash = ended.signal ?? signalled;
  if (crash !== undefined) return `crashed (${crash})`;
  if (ended.exitCode !== 0 && counts.failed === 0) return "could not be loaded or failed outside its tests";
  if (counts.passed + counts.failed + counts.skipped === 0) return "has no test in it";
  return undefined;
}
