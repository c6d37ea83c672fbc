// One search by libFuzzer, and what it says of itself.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NativeFuzzer } from "./build.ts";

export interface NativeOptions {
  readonly runs?: number;
  readonly seconds?: number;
  readonly seed?: number;
}

export interface NativeResult {
  readonly executions: number;
  readonly seconds: number;
  /** Edges of the C that were reached; those of harness and engine together. */
  readonly edges: number;
  readonly edgesMax: number;
  /** What a trap or a broken law said, with libFuzzer's report; undefined: there was none. */
  readonly failure: string | undefined;
}

const MAX_INPUT_BYTES = 8192;

/** Runs until the number of executions or the time is over, or something breaks; failing inputs go to `artefacts`. */
export async function runNative(
  { program, seeds }: Pick<NativeFuzzer, "program" | "seeds">,
  { runs, seconds, seed = 1 }: NativeOptions,
  artefacts: string,
): Promise<NativeResult> {
  const corpus = mkdtempSync(join(tmpdir(), "bunnel-native-fuzz-"));
  const startedMs = performance.now();
  const limits = [
    ...(runs === undefined ? [] : [`-runs=${runs}`]),
    ...(seconds === undefined ? [] : [`-max_total_time=${seconds}`]),
  ];
  const options = [`-seed=${seed}`, `-max_len=${MAX_INPUT_BYTES}`, `-artifact_prefix=${artefacts}/`];
  const process = Bun.spawn([program, ...limits, ...options, "-print_final_stats=1", corpus, seeds], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  try {
    const output = await new Response(process.stderr).text();
    const exitCode = await process.exited;
    const number = (pattern: RegExp): number => Number([...output.matchAll(pattern)].at(-1)?.[1] ?? 0);
    return {
      executions: number(/stat::number_of_executed_units:\s*(\d+)/gu),
      seconds: (performance.now() - startedMs) / 1000,
      edges: number(/ cov: (\d+)/gu),
      edgesMax: number(/Loaded \d+ modules? +\((\d+) inline/gu),
      failure: exitCode === 0 ? undefined : lastLines(output),
    };
  } finally {
    rmSync(corpus, { recursive: true, force: true });
  }
}

function lastLines(output: string): string {
  return output.trimEnd().split("\n").slice(-40).join("\n");
}
