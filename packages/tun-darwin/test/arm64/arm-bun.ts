// Bun for arm64, and what it needs to run here.
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const QEMU = "qemu-aarch64-static";
export const ARM_GCC = "aarch64-linux-gnu-gcc";
const SYSROOT = "/usr/aarch64-linux-gnu";
const PACKAGE = "@oven/bun-linux-aarch64";
/** Before each try: a busy resolver may not answer at once. */
const FETCH_PAUSES_MS = [0, 2_000, 5_000, 10_000];

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
  for (const pause of FETCH_PAUSES_MS) {
    if (existsSync(join(fresh, inside))) break;
    Bun.sleepSync(pause);
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
