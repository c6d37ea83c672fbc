// One test file in the Windows Bun, with what became of each test.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Wine, WineRun } from "./wine.ts";

export interface WineCase {
  /** With the describe blocks around it. */
  readonly name: string;
  readonly passed: boolean;
}

/** | name | class name | "/>" or what stands inside | */
const CASE = /<testcase name="([^"]*)" classname="([^"]*)"[^>]*?(\/>|>\s*<(\w+))/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** @param file from the package's folder on */
export async function runTestFile(wine: Wine, file: string): Promise<WineRun & { readonly cases: WineCase[] }> {
  const folder = mkdtempSync(join(tmpdir(), "bunnel-wine-report-"));
  try {
    const report = join(folder, "report.xml");
    const reporter = ["--reporter=junit", `--reporter-outfile=Z:${report}`];
    const run = await wine.run("test", ...reporter, `./packages/tun-win32/${file}`);
    return { ...run, cases: existsSync(report) ? casesOf(readFileSync(report, "utf8")) : [] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function casesOf(report: string): WineCase[] {
  return Array.from(report.matchAll(CASE), ([, name = "", around = "", end]) => ({
    name: plain(`${around} ${name}`.trim()),
    passed: end === "/>",
  }));
}

function plain(text: string): string {
  return text.replaceAll(/&(\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
