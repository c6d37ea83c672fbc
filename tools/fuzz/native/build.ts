// The shipped engine as a native program under libFuzzer:
//   1. wasm2c turns engine.wasm into C   2. the memory map and rule tables become headers   3. clang compiles all of it
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RELEASE_PATH } from "../../instrument/index.ts";
import { seedTables } from "../seed-tables.ts";
import { seedsOf } from "../seeds-by-target.ts";
import { layoutHeader, nativeInput, tablesHeader } from "./sources.ts";

const FOLDER = join(import.meta.dirname, "build");
const SOURCES = ["harness.c", "wasm-rt.h"].map((name) => join(import.meta.dirname, name));
/** wasm2c writes what it does not need itself; its warnings are not ours. */
const FLAGS = ["-O2", "-g1", "-w", "-std=gnu11", "-fsanitize=fuzzer"];

export interface NativeFuzzer {
  readonly program: string;
  /** The same with a bug in it that it must find. */
  readonly planted: string;
  /** A folder with inputs to begin with. */
  readonly seeds: string;
}

/** What has to be on the machine, and the Debian packages that bring it. */
export const NEEDED = "clang, libclang-rt-14-dev and libsimde-dev";

/**
 * Builds, or takes what was built from the same engine.
 * @throws Error when there is no clang, or it refuses what wasm2c wrote
 */
export function buildNative(): NativeFuzzer {
  if (Bun.which("clang") === null) throw new Error(`clang: expected it on this machine (${NEEDED}), found none`);
  const hash = new Bun.CryptoHasher("sha256");
  for (const path of [RELEASE_PATH, ...SOURCES]) hash.update(readFileSync(path));
  hash.update(layoutHeader()).update(tablesHeader());
  const folder = join(FOLDER, hash.digest("hex").slice(0, 16));
  const built = {
    program: join(folder, "engine-fuzzer"),
    planted: join(folder, "planted-fuzzer"),
    seeds: join(folder, "seeds"),
  };
  if (existsSync(built.planted)) return built;
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(built.seeds, { recursive: true });
  writeFileSync(join(folder, "layout.h"), layoutHeader());
  writeFileSync(join(folder, "tables.h"), tablesHeader());
  writeSeeds(built.seeds);
  const wasm2c = Bun.resolveSync("wabt/bin/wasm2c", import.meta.dirname);
  const engine = join(folder, "engine.c");
  run([process.execPath, wasm2c, "--enable-threads", RELEASE_PATH, "-n", "engine", "-o", engine]);
  const flags = process.arch === "x64" ? [...FLAGS, "-msse4.2"] : FLAGS;
  const compiler = ["clang", ...flags, `-I${import.meta.dirname}`, `-I${folder}`];
  const [harness = ""] = SOURCES;
  const object = join(folder, "engine.o");
  run([...compiler, "-c", engine, "-o", object]);
  run([...compiler, harness, object, "-lm", "-o", built.program]);
  run([...compiler, "-DPLANTED_BYTES=1", harness, object, "-lm", "-o", built.planted]);
  return built;
}

function writeSeeds(folder: string): void {
  const tables = seedTables().length;
  const write = (name: string, octets: Uint8Array): void => writeFileSync(join(folder, name), octets);
  for (const [i, input] of seedsOf("parse").entries()) {
    write(`parse-${i}`, nativeInput("parse", input, 0));
    for (let table = 0; table < tables; table++) {
      write(`poll-${i}-${table}`, nativeInput("poll", input, table));
    }
  }
  for (const [i, input] of seedsOf("offload").entries()) write(`offload-${i}`, nativeInput("offload", input, 0));
}

function run(command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { stdout: "ignore", stderr: "pipe" });
  if (exitCode === 0) return;
  throw new Error(
    `${command[0]}: expected to succeed, found exit code ${exitCode}: ${stderr.toString().slice(0, 2000)}`,
  );
}
