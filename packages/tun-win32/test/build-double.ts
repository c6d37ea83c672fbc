// Compiles the double: a shared library for Linux, a DLL for Wine.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

const SOURCES = join(import.meta.dirname, "double");
const ROOT = join(import.meta.dirname, "..", "..", "..");
const KEPT = join(ROOT, "node_modules", ".cache", "bunnel-double");
/** Copies that this process has made. */
let copies = 0;
/** Parts that play kernel32 and advapi32, which Wine has itself. */
const LINUX_ONLY: ReadonlySet<string> = new Set(["kernel32.c", "registry.c"]);
export const MINGW = "x86_64-w64-mingw32-gcc-posix";

interface GoldenStructs {
  readonly structs: Record<string, { size: number; fields: Record<string, { offset: number }> }>;
}

/** `guidInRegisters`: as the arm64 convention passes a GUID. `withoutDns`: as before Windows 10 2004. */
export type DoubleKind = "plain" | "guidInRegisters" | "withoutDns";

const FLAGS: Readonly<Record<DoubleKind, readonly string[]>> = {
  plain: [],
  guidInRegisters: ["-DGUID_IN_REGISTERS"],
  withoutDns: ["-DSetInterfaceDnsSettings=AbsentCall"],
};

/**
 * A shared library for this machine's Linux, compiled once for the same sources. Each call gives a copy of its own,
 * because a library that is opened twice is one library with one state.
 * @throws Error with the compiler's words
 */
export function buildForLinux(kind: DoubleKind = "plain"): string {
  const header = goldenHeader();
  const hash = new Bun.CryptoHasher("sha256").update(`${process.arch} ${kind} ${header}`);
  for (const file of readdirSync(SOURCES)) hash.update(readFileSync(join(SOURCES, file)));
  const folder = join(KEPT, hash.digest("hex").slice(0, 16));
  const compiled = join(folder, "double.so");
  if (!existsSync(compiled)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "golden.h"), header);
    const flags = ["-shared", "-fPIC", "-fvisibility=hidden", "-pthread", `-I${folder}`, ...FLAGS[kind]];
    // Another process may be at the same: whoever is later puts the same in its place.
    const unfinished = join(folder, `unfinished-${process.pid}.so`);
    compile("gcc", [...flags, "-o", unfinished, ...sources()]);
    renameSync(unfinished, compiled);
  }
  removeLeft(folder);
  const copy = join(folder, `copy-${process.pid}-${copies++}.so`);
  copyFileSync(compiled, copy);
  return copy;
}

/** Copies stay as long as their process, whose Workers open them again. */
function removeLeft(folder: string): void {
  for (const file of readdirSync(folder)) {
    const pid = /^copy-(\d+)-/.exec(file)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(folder, file), { force: true });
  }
}

/** A DLL for Windows on x64, in `folder`, by mingw-w64 and with its own structs. @throws Error */
export function buildForWindows(folder: string): string {
  const path = join(folder, "double.dll");
  const libraries = ["-static", "-lws2_32"];
  const own = sources().filter((file) => !LINUX_ONLY.has(file.slice(SOURCES.length + 1)));
  const definitions = join(folder, "double.def");
  const names = own.flatMap((file) => [...readFileSync(file, "utf8").matchAll(/ \*?API\((\w+)\)/g)]);
  writeFileSync(definitions, `EXPORTS\n${names.map(([, name]) => `${name}=api_${name}`).join("\n")}\n`);
  compile(MINGW, ["-shared", "-D_WIN32_WINNT=0x0a00", "-o", path, ...own, definitions, ...libraries]);
  return path;
}

export function compile(compiler: string, args: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([compiler, "-Wall", "-Werror", ...args]);
  if (exitCode !== 0) throw new Error(`${compiler} failed: ${stderr.toString()}`);
}

function sources(): string[] {
  return readdirSync(SOURCES)
    .filter((file) => file.endsWith(".c"))
    .map((file) => join(SOURCES, file));
}

/** Offsets and sizes of the golden table as C sees them: the driver's own layouts have no part in it. */
function goldenHeader(): string {
  const path = join(import.meta.dirname, "golden", "windows-x64.json");
  const { structs } = JSON.parse(readFileSync(path, "utf8")) as GoldenStructs;
  const lines = Object.entries(structs).flatMap(([name, { size, fields }]) => [
    `#define SIZE_${name} ${size}`,
    ...Object.entries(fields).map(([field, { offset }]) => `#define OFF_${name}_${field} ${offset}`),
  ]);
  return `${lines.join("\n")}\n`;
}
