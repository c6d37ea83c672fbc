// `bun run fuzz:native`: the second opinion. Exit code 1: something broke.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { numberOf } from "../arguments.ts";
import { addRun, printRows } from "../run-report.ts";
import { runIdentity } from "../run-identity.ts";
import { buildNative } from "./build.ts";
import { runNative } from "./run.ts";

const SECONDS_DEFAULT = 60;
const artefacts = join(import.meta.dirname, "build", "failures");

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string" },
      seed: { type: "string" },
      report: { type: "string" },
    },
  });
  const options = {
    seconds: numberOf("--seconds", values.seconds, SECONDS_DEFAULT),
    seed: numberOf("--seed", values.seed, 1),
  };
  const fuzzer = buildNative();
  mkdirSync(artefacts, { recursive: true });
  const { executions, seconds, edges, edgesMax, failure } = await runNative(fuzzer, options, artefacts);
  const perSecond = Math.round(executions / seconds);
  console.log(`native: ${executions} executions in ${seconds.toFixed(1)} s (${perSecond}/s), ${edges} edges`);
  if (failure !== undefined) console.error(`${failure}\nfailing inputs: ${artefacts}`);
  if (values.report !== undefined) {
    const isTrap = failure?.includes("\ntrap ") === true;
    const rows = addRun(values.report, {
      ...{ ...runIdentity(), target: "native", executions, seconds: Math.round(seconds), edges, probes: edgesMax },
      ...{ traps: isTrap ? 1 : 0, brokenLaws: failure !== undefined && !isTrap ? 1 : 0 },
    });
    console.log(printRows(rows));
  }
  return failure === undefined ? 0 : 1;
}
