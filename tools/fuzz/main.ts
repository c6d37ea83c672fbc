// `bun run fuzz`: searches for inputs that break the shipped engine. Exit code 1: one was found.
import { dirname, join } from "node:path";
import { type FuzzArguments, LONG_SHARES, readArguments, USAGE } from "./arguments.ts";
import { distil } from "./distil.ts";
import { readInputs, writeInput } from "./files.ts";
import { fuzz, type FuzzResult } from "./fuzz.ts";
import type { FuzzInput } from "./input.ts";
import { runIdentity } from "./run-identity.ts";
import { addRun, printRows, readRows } from "./run-report.ts";
import { seedsOf } from "./seeds-by-target.ts";
import type { FuzzTarget } from "./target.ts";
import { type TargetName, targetOf } from "./targets.ts";

const root = dirname(dirname(import.meta.dirname));
const folder = join(root, "test", "fuzz");
/** A long search goes on in parts, after each of which the report is written. */
const PART_EXECUTIONS = 2_000_000;
/** From the random source of one part to that of the next. */
const SEED_STEP = 7919;

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  let chosen: FuzzArguments;
  try {
    chosen = readArguments(words);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  let failed = false;
  for (const name of chosen.targets) failed = (await search(name, chosen)) || failed;
  if (chosen.report !== undefined) console.log(printRows(readRows(await Bun.file(chosen.report).text())));
  return failed ? 1 : 0;
}

/** True when an input broke something. */
async function search(name: TargetName, chosen: FuzzArguments): Promise<boolean> {
  const target = await targetOf(name);
  const seeds = [...seedsOf(name), ...readInputs(join(folder, "corpus"), name).values()];
  const wanted = chosen.isLong ? Math.ceil(chosen.executions * LONG_SHARES[name]) : chosen.executions;
  const endMs = performance.now() + chosen.seconds * 1000;
  let known: readonly FuzzInput[] = seeds;
  let failed = false;
  for (let done = 0, seed = chosen.seed; done < wanted && performance.now() < endMs; seed += SEED_STEP) {
    const startedMs = performance.now();
    const executions = Math.min(PART_EXECUTIONS, wanted - done);
    const found = fuzz(target, { seed, seeds: known, executions, limitMs: endMs - startedMs });
    done += found.executions;
    tell(name, target, found, (performance.now() - startedMs) / 1000, chosen.report);
    failed = failed || found.failures.length > 0;
    known = [...seeds, ...distil(target, found.corpus, seeds)];
    if (failed) break;
  }
  if (chosen.keep) {
    for (const input of known.slice(seeds.length)) writeInput(join(folder, "corpus"), name, input, "");
  }
  return failed;
}

function tell(name: TargetName, target: FuzzTarget, found: FuzzResult, seconds: number, report?: string): void {
  const { executions, edges, corpus, failures } = found;
  console.log(
    `${name}: ${executions} executions in ${seconds.toFixed(1)} s (${Math.round(executions / seconds)}/s), ` +
      `${edges} of ${target.probeCount} edges, corpus ${corpus.length}, failures ${failures.length}`,
  );
  for (const { message, input } of failures) {
    console.log(`  ${message}\n    ${writeInput(join(folder, "cases"), name, input, message)}`);
  }
  if (report === undefined) return;
  const traps = failures.filter(({ message }) => message.startsWith("RuntimeError")).length;
  addRun(report, {
    ...runIdentity(),
    target: name,
    ...{ executions, seconds: Math.round(seconds), edges, probes: target.probeCount },
    ...{ traps, brokenLaws: failures.length - traps },
  });
}
