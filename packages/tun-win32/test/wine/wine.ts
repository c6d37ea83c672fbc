// The real Windows Bun under Wine: what it needs, made once and kept, and a way to run it.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildForWindows, compile, MINGW } from "../build-double.ts";
import { findWine } from "../tools.ts";
import { WINE_DOUBLE } from "../world.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..", "..");
const KEPT = join(ROOT, "node_modules", ".cache", "bunnel-wine");
/** The package in which Bun for Windows is published; its version is that of the Bun that runs this. */
const BUN_PACKAGE = "@oven/bun-windows-x64";
const BUN_FOLDER = join(KEPT, "node_modules", BUN_PACKAGE, "bin");
const PREFIX = join(KEPT, `prefix-${process.getuid?.() ?? 0}`);
const READY = join(PREFIX, "bunnel-ready");

const SERVER_PLACES = ["/usr/lib/wine/wineserver64", "/usr/lib/wine/wineserver"];

export interface WineRun {
  readonly exitCode: number;
  readonly output: string;
}

/** Before each try: a busy resolver may not answer at once. */
const FETCH_PAUSES_MS = [0, 2_000, 5_000, 10_000];

export class Wine {
  readonly #wine: string;
  readonly #env: Record<string, string>;

  private constructor(
    wine: string,
    readonly double: string,
    readonly prefix = PREFIX,
  ) {
    this.#wine = wine;
    const path = process.env["PATH"] ?? "";
    this.#env = { PATH: path, WINEPREFIX: prefix, WINEDEBUG: "-all", DISPLAY: "", [WINE_DOUBLE]: `Z:${double}` };
  }

  /** Fetches the Windows Bun where it is missing. @throws Error with what the installer printed */
  static fetch(): void {
    mkdirSync(KEPT, { recursive: true });
    fetchBun();
  }

  /** Compiles and sets up what is missing, after `fetch`. @throws Error with what a program printed */
  static prepare(): Wine {
    const wine = findWine();
    if (wine === undefined) throw new Error("wine64: expected it on this machine, found none");
    const library = join(BUN_FOLDER, "bcryptprimitives.dll");
    compile(MINGW, ["-shared", "-o", library, join(import.meta.dirname, "process-prng.c"), "-ladvapi32"]);
    const prepared = new Wine(wine, buildForWindows(KEPT));
    prepared.#makePrefix();
    return prepared;
  }

  /**
   * A system of its own, as it was when this one was made, until `remove`. Wine's server opens the sockets of its
   * programs: one of its own is started where the first of them is, in that network namespace.
   */
  apart(): Wine {
    const prefix = join(KEPT, `apart-${process.pid}`);
    rmSync(prefix, { recursive: true, force: true });
    // Files that Wine changes it replaces, so that links to the first ones do no harm; but a registry with two names it
    // writes over.
    const copied = Bun.spawnSync(["cp", "-al", PREFIX, prefix]);
    if (copied.exitCode !== 0) throw new Error(`copying ${PREFIX} failed: ${copied.stderr.toString()}`);
    for (const name of readdirSync(PREFIX).filter((each) => each.endsWith(".reg"))) {
      rmSync(join(prefix, name));
      copyFileSync(join(PREFIX, name), join(prefix, name));
    }
    return new Wine(this.#wine, this.double, prefix);
  }

  /** Ends the server of a system apart, and takes the system away. */
  remove(): void {
    if (this.prefix === PREFIX) throw new Error("wine: expected a system apart, found the one that is kept");
    const server = SERVER_PLACES.find((place) => existsSync(place)) ?? Bun.which("wineserver");
    if (server !== null) Bun.spawnSync([server, "-k"], { env: this.#env });
    rmSync(this.prefix, { recursive: true, force: true });
  }

  /** Runs Bun for Windows in the project's folder until it ends. */
  async run(...args: readonly string[]): Promise<WineRun> {
    const child = this.start(...args);
    const output = await new Response(child.stdout).text();
    return { exitCode: await child.exited, output };
  }

  /** Bun for Windows as programs of Windows name it, such as the service manager. */
  get bun(): string {
    return windowsPath(join(BUN_FOLDER, "bun.exe"));
  }

  /** Runs a program of Windows's own, such as `sc.exe`, until it ends. */
  async tool(...words: readonly string[]): Promise<WineRun> {
    const child = Bun.spawn([this.#wine, ...words], {
      env: this.#env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    const output = await child.stdout.text();
    return { exitCode: await child.exited, output };
  }

  /** Starts it; its output, errors among it, comes by `stdout`. */
  start(...args: readonly string[]) {
    return this.#spawn(args, "2>&1");
  }

  /** As `start`, without what it says of errors: Bun's own remarks may stand in the middle of a line. */
  startQuietly(...args: readonly string[]) {
    return this.#spawn(args, "2>/dev/null");
  }

  #spawn(args: readonly string[], errors: string) {
    const words = [this.#wine, join(BUN_FOLDER, "bun.exe"), ...args];
    const command = words.map((word) => `'${word}'`).join(" ");
    return Bun.spawn(["sh", "-c", `exec ${command} ${errors}`], {
      cwd: ROOT,
      env: this.#env,
      stdin: "ignore",
      stdout: "pipe",
    });
  }

  #makePrefix(): void {
    if (existsSync(READY)) return;
    rmSync(PREFIX, { recursive: true, force: true });
    const { exitCode } = Bun.spawnSync([this.#wine, "wineboot", "-i"], { env: this.#env, stdin: "ignore" });
    if (exitCode !== 0) throw new Error(`wineboot failed with ${exitCode}`);
    writeFileSync(READY, "");
  }
}

/** A file of this system as Wine names it. */
export function windowsPath(path: string): string {
  return `Z:${path.replaceAll("/", "\\")}`;
}

function fetchBun(): void {
  const manifest = { private: true, dependencies: { [BUN_PACKAGE]: Bun.version } };
  writeFileSync(join(KEPT, "package.json"), JSON.stringify(manifest));
  if (fetchedVersion() === Bun.version) return;
  let said = "";
  for (const pause of FETCH_PAUSES_MS) {
    Bun.sleepSync(pause);
    const words = [process.execPath, "install", "--os=win32", "--cpu=x64"];
    const { exitCode, stderr } = Bun.spawnSync(words, { cwd: KEPT });
    if (exitCode === 0) return;
    said = stderr.toString();
  }
  throw new Error(`fetching ${BUN_PACKAGE} failed: ${said}`);
}

function fetchedVersion(): string | undefined {
  const path = join(BUN_FOLDER, "..", "package.json");
  if (!existsSync(path)) return undefined;
  return (JSON.parse(readFileSync(path, "utf8")) as { readonly version: string }).version;
}
