// The counts of one run of `bun test`, from its JUnit report.

/** What one test file came to. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const TOTALS = /<testsuites\b[^>]*>/;
const SKIPPED_CASE = /<testcase name="([^"]*)"[^>]*[^/]>\s*<skipped\b/g;

/** The totals of a report; undefined when it is none. */
export function readCounts(report: string): Counts | undefined {
  const totals = TOTALS.exec(report)?.[0];
  if (totals === undefined) return undefined;
  const tests = attribute(totals, "tests");
  const failed = attribute(totals, "failures") + attribute(totals, "errors");
  const skipped = attribute(totals, "skipped");
  return { passed: tests - failed - skipped, failed, skipped };
}

/** The names of skipped tests, as the report spells them. */
export function skippedNames(report: string): string[] {
  return [...report.matchAll(SKIPPED_CASE)].map((match) => match[1] ?? "");
}

/** Adds up. */
export function total(counts: readonly Counts[]): Counts {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of counts) {
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  return sum;
}

function attribute(tag: string, name: string): number {
  return Number(new RegExp(` ${name}="(\\d+)"`).exec(tag)?.[1] ?? 0);
}
