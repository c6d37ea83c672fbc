// `bun run laws`: every law of a plan over as many generated cases as one has time for, on one build of the engine.
// A case that breaks a law is printed with the seed that makes it; it becomes a test in cases.test.ts.
import type { EngineBuild } from "@bunnel/engine";
import { addRun, numberOf, printRows, runIdentity } from "@bunnel/tools/fuzz";
import fc from "fast-check";
import { parseArgs } from "node:util";
import { anyNetworkCase, checkPlanLaws } from "./plan-laws.ts";
import { engineOf } from "./rig.ts";

const PLANS_DEFAULT = 10_000;
const BUILDS: readonly EngineBuild[] = ["release", "debug"];
/** Cases of one seed; the report is written after each of them. */
const PART = 20_000;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      plans: { type: "string" },
      seed: { type: "string" },
      build: { type: "string", default: "release" },
      report: { type: "string" },
    },
  });
  const build = BUILDS.find((known) => known === values.build);
  if (build === undefined) throw new RangeError(`--build: expected ${BUILDS.join(" or ")}, found ${values.build}`);
  const wanted = numberOf("--plans", values.plans, PLANS_DEFAULT);
  const firstSeed = numberOf("--seed", values.seed, 1);
  const engine = await engineOf(build);
  const property = fc.property(anyNetworkCase, (one) => checkPlanLaws(engine, one));
  let failed = 0;
  for (let done = 0, seed = firstSeed; done < wanted && failed === 0; done += PART, seed++) {
    const startedMs = performance.now();
    const plans = Math.min(PART, wanted - done);
    const found = fc.check(property, { numRuns: plans, seed });
    const seconds = (performance.now() - startedMs) / 1000;
    if (found.failed) failed++;
    console.log(`plans, ${build}: ${done + found.numRuns} of ${wanted}, seed ${seed}, ${seconds.toFixed(1)} s`);
    if (found.failed) console.error(fc.defaultReportMessage(found));
    if (values.report === undefined) continue;
    const counts = { executions: found.numRuns, seconds: Math.round(seconds), edges: 0, probes: 0 };
    const run = { ...runIdentity(), target: `plans_${build}`, ...counts, traps: 0, brokenLaws: found.failed ? 1 : 0 };
    const rows = addRun(values.report, run);
    if (done + PART >= wanted) console.log(printRows(rows));
  }
  return failed;
}
