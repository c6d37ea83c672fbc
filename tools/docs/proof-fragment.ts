// What a driver's suites came to, kept as `proof.json` in its package: made by running them, checked for staleness by
// the test files they came from.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { LEVEL_OF_FILE, LEVELS, type PlatformEntry, type ProofEntry, type ProofLevel } from "./proof-list.ts";

const ROOT = dirname(dirname(import.meta.dirname));

export interface ProofFragment {
  readonly package: string;
  /** SHA-256 of the test files, which says whether the counts are theirs. */
  readonly tests: string;
  readonly platforms: readonly {
    readonly platform: string;
    /** Tests passed, by level. */
    readonly passed: Readonly<Partial<Record<ProofLevel, number>>>;
  }[];
}

export function fragmentPath(name: string): string {
  return join(ROOT, "packages", name, "proof.json");
}

export function readFragment(name: string): ProofFragment {
  return JSON.parse(readFileSync(fragmentPath(name), "utf8")) as ProofFragment;
}

/** The test files of a package that prove something, in order. */
export function proofFiles(name: string): string[] {
  const folder = join(ROOT, "packages", name);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (file) => levelOf(file) !== undefined,
  );
  return files.filter((file) => !file.includes("node_modules")).toSorted();
}

export function digestOf(name: string): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (const file of proofFiles(name))
    hash.update(`${file}\n${readFileSync(join(ROOT, "packages", name, file), "utf8")}`);
  return hash.digest("hex");
}

/**
 * Runs the suites of a driver and writes its fragment.
 * @throws Error when a test fails, or none ran
 */
export async function prove({ package: name, platforms }: ProofEntry): Promise<void> {
  const cases = await runTests(name);
  const fragment: ProofFragment = {
    package: name,
    tests: digestOf(name),
    platforms: platforms.map((entry) => ({ platform: entry.platform, passed: countsOf(cases, entry) })),
  };
  writeFileSync(fragmentPath(name), `${JSON.stringify(fragment, undefined, 2)}\n`);
}

/** One test that passed. */
export interface PassedTest {
  readonly level: ProofLevel;
  readonly name: string;
}

export function countsOf(
  cases: readonly PassedTest[],
  { testsNamed = "" }: PlatformEntry,
): ProofFragment["platforms"][0]["passed"] {
  const counts: Partial<Record<ProofLevel, number>> = {};
  for (const level of LEVELS) {
    const passed = cases.filter((each) => each.level === level && each.name.includes(testsNamed)).length;
    if (passed > 0) counts[level] = passed;
  }
  return counts;
}

function levelOf(file: string): ProofLevel | undefined {
  return Object.entries(LEVEL_OF_FILE).find(([end]) => file.endsWith(end))?.[1];
}

async function runTests(name: string): Promise<PassedTest[]> {
  const folder = mkdtempSync(join(tmpdir(), "bunnel-proof-"));
  try {
    const passed: PassedTest[] = [];
    for (const file of proofFiles(name)) {
      const report = join(folder, "report.xml");
      const reporter = ["--reporter=junit", `--reporter-outfile=${report}`];
      const run = Bun.spawn([process.execPath, "test", "--timeout=60000", ...reporter, `./packages/${name}/${file}`], {
        cwd: ROOT,
        stdout: "ignore",
        stderr: "pipe",
      });
      const words = await new Response(run.stderr).text();
      if ((await run.exited) !== 0) throw new Error(`${file}: expected every test to pass, found\n${words}`);
      const level = levelOf(file);
      if (level) passed.push(...readCases(readFileSync(report, "utf8"), level));
    }
    return passed;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Tests of a JUnit report that ran; the describe blocks around a test are part of its name. */
export function readCases(report: string, level: ProofLevel): PassedTest[] {
  const cases: PassedTest[] = [];
  for (const match of report.matchAll(/<testcase name="([^"]*)" classname="([^"]*)"[^>]*?(\/>|>\s*<(\w+))/g)) {
    const [, name = "", classname = "", , child] = match;
    if (child !== "skipped" && child !== "failure") cases.push({ level, name: `${classname} ${name}` });
  }
  return cases;
}
