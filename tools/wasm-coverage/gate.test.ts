// The suites reach the lines of the engine that they are to reach. Takes as long as those suites.
import { expect, test } from "bun:test";
import { join } from "node:path";

const LIMIT_MS = 170_000;

test(
  "the suites of the engine pass on the debug build with probes, and reach the lines that they must",
  async () => {
    const run = Bun.spawn([process.execPath, join(import.meta.dirname, "main.ts")], { stdout: "pipe", stderr: "pipe" });
    const [table, rest] = await Promise.all([new Response(run.stdout).text(), new Response(run.stderr).text()]);
    const sum = table.split("\n").find((line) => line.startsWith("all files"));
    console.log(sum ?? rest.slice(-4000));
    expect({
      exitCode: await run.exited,
      said: rest.split("\n").filter((line) => line.startsWith("coverage:")),
    }).toEqual({
      exitCode: 0,
      said: [],
    });
  },
  LIMIT_MS,
);
