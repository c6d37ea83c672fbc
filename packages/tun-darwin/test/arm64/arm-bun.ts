// Bun for arm64, and what it needs to run here.
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const QEMU = "qemu-aarch64-static";
export const ARM_GCC = "aarch64-linux-gnu-gcc";
const SYSROOT = "/usr/aarch64-linux-gnu";
const PACKAGE = "@oven/bun-linux-aarch64";
const FETCH_TRIES = 4;
const FETCH_PAUSE_MS = 5_000;

/** The command that runs the arm64 Bun in the version that runs this; or what is missing for it. */
export function armBun(): readonly string[] | string {
  for (const program of [QEMU, ARM_GCC]) if (Bun.which(program) === null) return program;
  const path = fetchedBun();
  return path === undefined ? PACKAGE : [QEMU, "-L", SYSROOT, path];
}

/** Kept for the next run; undefined where the package registry cannot be reached. */
function fetchedBun(): string | undefined {
  const folder = join(tmpdir(), `bunnel-arm64-bun-${Bun.version}`);
  const inside = join("node_modules", PACKAGE, "bin", "bun");
  if (existsSync(join(folder, inside))) return join(folder, inside);
  const fresh = mkdtempSync(`${folder}-`);
  writeFileSync(join(fresh, "package.json"), "{}");
  const words = ["install", "--os", "linux", "--cpu", "arm64", "--ignore-scripts", "--no-save"];
  // A network that is busy with other tests may not answer at once.
  for (let tries = 0; tries < FETCH_TRIES && !existsSync(join(fresh, inside)); tries++) {
    if (tries > 0) Bun.sleepSync(FETCH_PAUSE_MS);
    Bun.spawnSync([process.execPath, ...words, `${PACKAGE}@${Bun.version}`], { cwd: fresh });
  }
  if (existsSync(join(fresh, inside))) {
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
    return join(folder, inside);
  }
  rmSync(fresh, { recursive: true, force: true });
  return undefined;
}
