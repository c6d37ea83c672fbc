// `bun run bench`: our figures beside their references, taken in the same run.
import { readArguments, USAGE, type BenchArguments, type SuiteName } from "./arguments.ts";
import { MissingTool } from "./compile.ts";
import { engineSuite } from "./engine-suite.ts";
import { forwardSuite } from "./forward-suite.ts";
import type { Row } from "./row.ts";
import { serviceSuite } from "./service-suite.ts";
import { Stage } from "./stage.ts";
import { streamSuite } from "./stream-suite.ts";
import type { Suite, SuiteOptions } from "./suite.ts";
import { tableOf } from "./table.ts";

const SUITES: Readonly<Record<SuiteName, Suite>> = {
  engine: engineSuite,
  forward: forwardSuite,
  service: serviceSuite,
  stream: streamSuite,
};

async function main(): Promise<number> {
  let chosen: BenchArguments;
  try {
    chosen = readArguments(Bun.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  using stage = new Stage();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      stage[Symbol.dispose]();
      process.exit(130);
    });
  }
  const rows: Row[] = [];
  let failures = 0;
  for (const name of chosen.suites) {
    const measured: Row[] = [];
    try {
      for await (const row of SUITES[name].run(stage, optionsOf(chosen))) measured.push(row);
    } catch (error) {
      failures++;
      console.error(`${name}: not measured${measured.length > 0 ? " to the end" : ""}: ${causeOf(error)}`);
    } finally {
      stage.clear();
    }
    if (!chosen.json && measured.length > 0) console.log(tableOf(SUITES[name].title, measured));
    rows.push(...measured);
  }
  if (chosen.json) console.log(JSON.stringify(rows, null, 2));
  return failures === 0 ? 0 : 1;
}

function optionsOf({ rounds, filter }: BenchArguments): SuiteOptions {
  return {
    rounds,
    wants: (name) => name.includes(filter),
    say: (line) => console.error(line),
  };
}

/** A missing tool is said in one sentence; anything else shows where it came from. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof MissingTool ? error.message : (error.stack ?? error.message);
}

process.exit(await main());
