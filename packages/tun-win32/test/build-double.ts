// Compiles the double: a shared library for Linux, a DLL for Wine.
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SOURCES = join(import.meta.dirname, "double");
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

/** A shared library for this machine's Linux, in a folder of its own. @throws Error with the compiler's words */
export function buildForLinux(kind: DoubleKind = "plain"): string {
  const folder = mkdtempSync(join(tmpdir(), "bunnel-double-"));
  writeFileSync(join(folder, "golden.h"), goldenHeader());
  const path = join(folder, "double.so");
  const flags = ["-shared", "-fPIC", "-fvisibility=hidden", "-pthread", `-I${folder}`, ...FLAGS[kind]];
  compile("gcc", [...flags, "-o", path, ...sources()]);
  return path;
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
