// What is checked about the sources themselves, each as one counted test.
import { runProcess } from "./process.ts";

const CHECK_LIMIT_MS = 180_000;

/** A check that is one command: it passes when the command answers 0. */
export interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

const bun = process.execPath;

export const build: Check = { name: "build", command: [bun, "wasm/build.ts"] };
export const sourceChecks: readonly Check[] = [
  { name: "types", command: [bun, "run", "types"] },
  { name: "lint", command: [bun, "run", "lint"] },
  { name: "format", command: [bun, "run", "format:check"] },
];
export const tidy: Check = { name: "tidy", command: [bun, "tools/tidy/main.ts"] };

/** Runs a check, prints one line for it, and its output when it failed. Answers whether it passed. */
export async function runCheck(root: string, check: Check): Promise<boolean> {
  const ended = await runProcess(check.command, root, CHECK_LIMIT_MS);
  const passed = ended.exitCode === 0;
  if (!passed) console.log(ended.output.trimEnd());
  if (ended.timedOut) console.log(`${check.name}: did not end within ${CHECK_LIMIT_MS / 1000} s and was ended`);
  console.log(`${passed ? "ok  " : "FAIL"} ${check.name} (${seconds(ended.elapsedMs)})`);
  return passed;
}

/** Milliseconds as a person reads them. */
export function seconds(elapsedMs: number): string {
  return `${(elapsedMs / 1000).toFixed(1)} s`;
}
