// Builds the engine: build/engine.wasm, which ships, and build/engine.debug.wasm with its map, which the tests run too.
// 1. ask whether any input changed   2. compile both side by side   3. check the promises   4. put down what changed
import { MEMORY_PAGES } from "@bunnel/abi";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { debugFaults, releaseFaults } from "./promises.ts";

const here = import.meta.dirname;
const outDir = join(here, "build");
/** The hash of all inputs of the artefacts that lie beside it. */
const stampPath = join(outDir, "inputs.sha256");
const artefacts = ["engine.wasm", "engine.debug.wasm", "engine.debug.wasm.map"];
const ascPath = fileURLToPath(import.meta.resolve("assemblyscript/bin/asc.js"));

/** initial = maximum: the memory never grows, so views and addresses stay valid for the life of the process. */
const memoryFlags = [
  ...["--importMemory", "--noExportMemory", "--sharedMemory", "--zeroFilledMemory"],
  ...["--initialMemory", String(MEMORY_PAGES), "--maximumMemory", String(MEMORY_PAGES)],
  ...["--enable", "threads", "--enable", "simd", "--runtime", "stub"],
];
const releaseFlags = ["-O3", "--noAssert", "--use", "abort=", ...memoryFlags];
const debugFlags = ["--debug", "--sourceMap", ...memoryFlags];

try {
  await build(process.argv.includes("--force"));
} catch (error) {
  // The compiler has spoken already; a stack of this file would only bury its words.
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function build(force: boolean): Promise<void> {
  const stamp = await inputsHash();
  if (!force && (await isCurrent(stamp))) {
    console.log("engine: up to date");
    return;
  }
  // Compiled aside and moved into place: a reader never meets half a file, and a failed build leaves the last good one.
  const aside = join(outDir, `next-${process.pid}`);
  await mkdir(aside, { recursive: true });
  try {
    const [releasePath, debugPath] = [join(aside, "engine.wasm"), join(aside, "engine.debug.wasm")];
    await Promise.all([compile(releasePath, releaseFlags), compile(debugPath, debugFlags)]);
    const [release, debug] = [await Bun.file(releasePath).bytes(), await Bun.file(debugPath).bytes()];
    const faults = [...releaseFaults(release), ...debugFaults(debug)];
    if (faults.length > 0) throw new Error(faults.join("\n"));
    const changed = await putDown(aside);
    await Bun.write(stampPath, stamp);
    console.log(`engine: built, ${release.length} bytes; changed: ${changed.join(", ") || "nothing"}`);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function compile(outFile: string, flags: readonly string[]): Promise<void> {
  const command = [process.execPath, "--bun", ascPath, "assembly/index.ts", "-o", outFile, ...flags];
  const asc = Bun.spawn(command, { cwd: here, stdin: "ignore", stdout: "inherit", stderr: "inherit" });
  if ((await asc.exited) !== 0) throw new Error(`asc: expected to compile ${outFile}, found the errors above`);
}

/** Moves over only what differs, so that whoever watches the artefacts wakes up only when he must. */
async function putDown(aside: string): Promise<string[]> {
  const changed: string[] = [];
  for (const name of artefacts) {
    const [from, to] = [join(aside, name), join(outDir, name)];
    if (await sameContent(from, to)) continue;
    await rename(from, to);
    changed.push(name);
  }
  return changed;
}

async function sameContent(left: string, right: string): Promise<boolean> {
  if (!(await Bun.file(right).exists())) return false;
  const [a, b] = await Promise.all([Bun.file(left).bytes(), Bun.file(right).bytes()]);
  return Buffer.compare(a, b) === 0;
}

async function isCurrent(stamp: string): Promise<boolean> {
  for (const name of artefacts) if (!(await Bun.file(join(outDir, name)).exists())) return false;
  const stampFile = Bun.file(stampPath);
  return (await stampFile.exists()) && (await stampFile.text()) === stamp;
}

/** Everything that can change the artefacts: the sources, the shared constants, the compiler, and these build files. */
async function inputsHash(): Promise<string> {
  const abiDir = dirname(fileURLToPath(import.meta.resolve("@bunnel/abi")));
  const compiler = join(dirname(dirname(ascPath)), "package.json");
  const files = [compiler, ...scan(join(here, "assembly")), ...scan(abiDir)];
  for (const name of ["build.ts", "promises.ts", "sections.ts"]) files.push(join(here, name));
  const hash = new Bun.CryptoHasher("sha256");
  for (const file of files) hash.update(`${relative(here, file)}\n`).update(await Bun.file(file).bytes());
  return hash.digest("hex");
}

function scan(folder: string): string[] {
  const files = [...new Bun.Glob("**/*.ts").scanSync({ cwd: folder, absolute: true })];
  return files.filter((file) => !file.endsWith(".test.ts")).toSorted();
}
