// The WebAssembly module: where its file lies, and what an instance offers.
import releasePath from "@bunnel/engine-wasm/engine.wasm" with { type: "file" };
import { MEMORY_PAGES } from "@bunnel/abi";

/** The export list of the engine (wasm/assembly/index.ts). Numbers only. */
export interface EngineExports {
  open(lane: number, flags: number, mtuBytes: number, buckets: number, seedLow: number, seedHigh: number): void;
  poll(from: number, to: number, nowMs: number): number;
  expire(nowMs: number, idleMs: number): number;
  parse(at: number, bytes: number, meta: number): number;
  parseBurst(from: number, to: number): number;
  trackBurst(from: number, to: number, nowMs: number): number;
  checksum(at: number, bytes: number): number;
  checksumBurst(from: number, to: number): number;
  updateChecksum(sum: number, oldWord: number, newWord: number): number;
  countHosts(at: number, names: number, set: number): number;
  countAddresses(at: number, addresses: number, set: number): number;
  coalesce(from: number, to: number, allowed: number, baseLow: number, baseHigh: number): number;
  loosen(group: number): void;
  split(at: number, bytes: number): number;
}

/** "debug" has the assertions and names in it: the same code for tests. */
export type EngineBuild = "release" | "debug";

/** Reads and compiles the engine. @throws Error when the file was not built */
export async function compileEngine(build: EngineBuild = "release"): Promise<WebAssembly.Module> {
  const path = build === "debug" ? releasePath.replace(/engine\.wasm$/u, "engine.debug.wasm") : releasePath;
  const file = Bun.file(path);
  if (!(await file.exists())) {
    throw new Error(`engine file ${path} does not exist: build it with \`bun run build\``);
  }
  return WebAssembly.compile(await file.arrayBuffer());
}

/** One shared memory of fixed size: it never moves, so that its address can be taken once. */
export function createMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES, shared: true });
}

/** An instance over the memory. Several instances share it; each opens a lane of its own. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): EngineExports {
  const abort = (_message: number, _file: number, line: number, column: number): never => {
    throw new Error(`engine assertion failed at line ${line}, column ${column}`);
  };
  const instance = new WebAssembly.Instance(module, { env: { memory, abort } });
  return instance.exports as unknown as EngineExports;
}
