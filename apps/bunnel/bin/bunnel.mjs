#!/usr/bin/env node
// Starts the program for those who came with npm: its sources run on Bun, which the package `bun` brings along.
import { spawn, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const OLDEST = [1, 4, 5];
const PROGRAM = fileURLToPath(new URL("../src/main.ts", import.meta.url));

const bun = process.versions.bun === undefined ? findBun() : process.execPath;
if (bun === undefined) {
  console.error(`bunnel: expected Bun ${OLDEST.join(".")} or later beside this package or on PATH, found none`);
  process.exit(1);
}
const child = spawn(bun, [PROGRAM, ...process.argv.slice(2)], { stdio: "inherit" });
// A terminal's Ctrl-C reaches both; this one waits for how the program ends.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});

/** The first that runs here: the package's, the one that it unpacked for this system, the user's own. */
function findBun() {
  return [...packaged(), "bun"].find((path) => {
    const { status, stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
    return status === 0 && isNewEnough(stdout);
  });
}

function packaged() {
  try {
    const require = createRequire(import.meta.url);
    const manifest = require.resolve("bun/package.json");
    const systems = Object.keys(require(manifest).optionalDependencies ?? {});
    const inside = createRequire(manifest);
    const folders = systems.flatMap((name) => {
      try {
        return [dirname(inside.resolve(`${name}/package.json`))];
      } catch {
        return [];
      }
    });
    return [dirname(manifest), ...folders].flatMap((folder) => [join(folder, "bin/bun.exe"), join(folder, "bin/bun")]);
  } catch {
    return [];
  }
}

function isNewEnough(text) {
  const found = text.trim().split(".").map(Number);
  for (const [place, oldest] of OLDEST.entries()) {
    if (found[place] !== oldest) return (found[place] ?? 0) > oldest;
  }
  return true;
}
