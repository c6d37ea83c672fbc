// The program as executables, and a start of each that can be started here.
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { compile } from "./compile.ts";
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
  return { ...target, path, bytes: Bun.file(path).size, started: startedWith(path, target.start, version) };
}

function startedWith(path: string, start: Start, version: string): string {
  const [command, missing] = commandFor(path, start);
  if (command === undefined) return `not started: ${missing}`;
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command, "--version"], {
    // Wine keeps its own folder beside the program's.
    env: { ...process.env, WINEPREFIX: `${path}.wine/prefix`, WINEDEBUG: "-all", DISPLAY: "" },
    timeout: START_LIMIT_MS,
  });
  const said = stdout.toString().trim();
  if (exitCode === 0 && said === version) return `${said}, ${start === "here" ? "natively" : `under ${start}`}`;
  throw new Error(`${path}: expected it to print ${version}, found ${said || stderr.toString()} (status ${exitCode})`);
}

function commandFor(path: string, start: Start): [readonly string[] | undefined, string] {
  if (start === "here") {
    const fits = process.platform === "linux" && process.arch === "x64";
    return fits ? [[path], ""] : [undefined, "this is another system"];
  }
  if (start === "qemu") {
    const qemu = Bun.which("qemu-aarch64-static");
    const fits = qemu !== null && existsSync(ARM64_ROOT);
    return fits ? [[qemu, "-L", ARM64_ROOT, path], ""] : [undefined, "no qemu-aarch64-static here"];
  }
  if (start === "wine") return commandUnderWine(path);
  return [undefined, "needs its own system"];
}

function commandUnderWine(path: string): [readonly string[] | undefined, string] {
  const wine = WINE_PLACES.find((place) => existsSync(place));
  if (wine === undefined) return [undefined, "no Wine here"];
  if (Bun.which(MINGW) === null) return [undefined, `no ${MINGW} here`];
  // Wine loads it from the folder of the program; it must not end up in the release.
  const folder = `${path}.wine`;
  mkdirSync(folder, { recursive: true });
  const library = join(folder, RANDOM_LIBRARY);
  const { exitCode, stderr } = Bun.spawnSync([MINGW, "-shared", "-o", library, RANDOM_SOURCE, "-ladvapi32"]);
  if (exitCode !== 0) throw new Error(`${RANDOM_LIBRARY}: ${stderr.toString()}`);
  const inside = join(folder, "bunnel.exe");
  Bun.spawnSync(["cp", path, inside]);
  return [[wine, inside], ""];
}
