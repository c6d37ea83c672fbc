// Builds the program as one executable file that needs nothing beside it:
//
//   bun tools/release/compile.ts dist/bunnel [bun-linux-x64 | bun-linux-arm64 | …]
//
// Workers are named in the sources by where they lie beside the file that starts them. In an executable all files are
// one, which lies at the root, so each Worker's file is an entry point of its own and lies there too.
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const PROGRAM = "apps/bunnel/src/main.ts";
/** No two of them may have one name. */
export const WORKERS: readonly string[] = [
  "apps/bunnel/src/install/windows-service/dispatcher.worker.ts",
  "apps/bunnel/src/service/lane.worker.ts",
  "apps/bunnel/src/sockets/socket-lane.worker.ts",
  "packages/bsd/src/bsd-readiness-worker.ts",
  "packages/lab/src/evolve/evolve.worker.ts",
  "packages/stream/src/datagrams/carry.worker.ts",
  "packages/stream/src/datagrams/portable-carry.worker.ts",
  "packages/stream/src/relay.worker.ts",
  "packages/tun-linux/src/readiness-worker.ts",
];

/**
 * Builds it. `target` is one of Bun's; without it, this machine.
 * @throws AggregateError when something cannot be built
 */
export async function compile(outfile: string, target?: Bun.Build.CompileTarget): Promise<void> {
  await Bun.build({
    entrypoints: [PROGRAM, ...WORKERS].map((path) => resolve(ROOT, path)),
    naming: { entry: "[name].[ext]" },
    minify: { whitespace: true, syntax: true },
    compile: { outfile: resolve(outfile), ...(target !== undefined && { target }) },
  });
}

if (import.meta.main) {
  const [outfile, target] = process.argv.slice(2);
  if (outfile === undefined) {
    console.error("compile: expected the file to write, found none");
    process.exitCode = 2;
  } else {
    await compile(outfile, target as Bun.Build.CompileTarget | undefined);
  }
}
