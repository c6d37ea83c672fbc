// `bun run fuzz`: searches for inputs that break the shipped engine. Exit code 1: one was found.
import { dirname, join } from "node:path";
import { type FuzzArguments, readArguments, USAGE } from "./arguments.ts";
import { distil } from "./distil.ts";
import { readInputs, writeInput } from "./files.ts";
import { fuzz } from "./fuzz.ts";
import { seedInputs } from "./seeds.ts";
import { type TargetName, targetOf } from "./targets.ts";

const folder = join(dirname(dirname(import.meta.dirname)), "test", "fuzz");

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
  return failed ? 1 : 0;
}

/** True when an input broke something. */
async function search(name: TargetName, { seed, seconds, executions, keep }: FuzzArguments): Promise<boolean> {
  const target = await targetOf(name);
  const seeds = [...seedInputs(name), ...readInputs(join(folder, "corpus"), name).values()];
  const startedMs = performance.now();
  const found = fuzz(target, { seed, seeds, executions, limitMs: seconds * 1000 });
  const tookSeconds = (performance.now() - startedMs) / 1000;
  const perSecond = Math.round(found.executions / tookSeconds);
  console.log(
    `${name}: ${found.executions} executions in ${tookSeconds.toFixed(1)} s (${perSecond}/s), ` +
      `${found.edges} of ${target.probeCount} edges, corpus ${found.corpus.length}, failures ${found.failures.length}`,
  );
  for (const { message, input } of found.failures) {
    console.log(`  ${message}\n    ${writeInput(join(folder, "cases"), name, input, message)}`);
  }
  if (keep)
    for (const input of distil(target, found.corpus, seeds)) writeInput(join(folder, "corpus"), name, input, "");
  return found.failures.length > 0;
}
