// The program as executables, and a start of each that can be started here.
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { compile } from "./compile.ts";
import { readHeader } from "./headers.ts";
import { startMusl, startMuslArm64, type MuslStart } from "./musl.ts";
import type { Start, Target } from "./targets.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const ARM64_ROOT = "/usr/aarch64-linux-gnu";
const WINE_PLACES = ["/usr/lib/wine/wine64", "/usr/bin/wine64", "/usr/bin/wine"];
/** Wine of today lacks one function that Bun calls; a library beside the program brings it. */
const RANDOM_SOURCE = join(ROOT, "packages/tun-win32/test/wine/process-prng.c");
const MINGW = "x86_64-w64-mingw32-gcc-posix";
const RANDOM_LIBRARY = "bcryptprimitives.dll";
const START_LIMIT_MS = 120_000;

export interface Executable extends Target {
  readonly path: string;
  readonly bytes: number;
  /** What it printed when it was asked for its version; or why it was not started. */
  readonly started: string;
}

/**
 * Builds one executable into `folder` and starts it where that can be done.
 * @throws Error when it cannot be built, or does not answer with `version`
 */
export async function makeExecutable(target: Target, folder: string, version: string): Promise<Executable> {
  const path = join(folder, target.file);
  await compile(path, target.target);
  checkHeader(path, target);
  try {
    return { ...target, path, bytes: Bun.file(path).size, started: startedWith(path, target.start, version) };
  } finally {
    rmSync(besideOf(path), { recursive: true, force: true });
  }
}

/** What starting takes lies there for the while; it must not end up in the release. */
function besideOf(path: string): string {
  return `${path}.start`;
}

function checkHeader(path: string, { system, processor }: Target): void {
  const found = readHeader(readFileSync(path));
  if (found.system === system && found.processor === processor) return;
  throw new Error(`${path}: expected a program for ${system} ${processor}, found ${found.system} ${found.processor}`);
}

function startedWith(path: string, start: Start, version: string): string {
  const found = commandFor(path, start);
  if ("missing" in found) return `not started: ${found.missing}`;
  const { exitCode, stdout, stderr } = Bun.spawnSync([...found.command, "--version"], {
    env: { ...process.env, ...found.env },
    timeout: START_LIMIT_MS,
  });
  const said = stdout.toString().trim();
  if (exitCode === 0 && said === version) return `${said}, ${start === "here" ? "natively" : `under ${start}`}`;
  throw new Error(`${path}: expected it to print ${version}, found ${said || stderr.toString()} (status ${exitCode})`);
}

/** A command with what must stand in its environment, or why there is none. */
function commandFor(path: string, start: Start): MuslStart {
  switch (start) {
    case "here":
      return isLinuxX64() ? { command: [path], env: {} } : { missing: "this is another system" };
    case "qemu":
      return commandUnderQemu(path);
    case "wine":
      return commandUnderWine(path);
    case "musl":
      return startMusl(path, besideOf(path));
    case "musl and qemu":
      return startMuslArm64(path, besideOf(path));
    case "not here":
      return { missing: "needs its own system; its header is right" };
  }
}

function isLinuxX64(): boolean {
  return process.platform === "linux" && process.arch === "x64";
}

function commandUnderQemu(path: string): MuslStart {
  const qemu = Bun.which("qemu-aarch64-static");
  const fits = qemu !== null && existsSync(ARM64_ROOT);
  return fits ? { command: [qemu, "-L", ARM64_ROOT, path], env: {} } : { missing: "no qemu-aarch64-static here" };
}

function commandUnderWine(path: string): MuslStart {
  const wine = WINE_PLACES.find((place) => existsSync(place));
  if (wine === undefined) return { missing: "no Wine here" };
  if (Bun.which(MINGW) === null) return { missing: `no ${MINGW} here` };
  // Wine loads the library from the folder of the program.
  const folder = besideOf(path);
  mkdirSync(folder, { recursive: true });
  const library = join(folder, RANDOM_LIBRARY);
  const { exitCode, stderr } = Bun.spawnSync([MINGW, "-shared", "-o", library, RANDOM_SOURCE, "-ladvapi32"]);
  if (exitCode !== 0) throw new Error(`${RANDOM_LIBRARY}: ${stderr.toString()}`);
  const inside = join(folder, "bunnel.exe");
  Bun.spawnSync(["cp", path, inside]);
  return { command: [wine, inside], env: { WINEPREFIX: join(folder, "prefix"), WINEDEBUG: "-all", DISPLAY: "" } };
}
