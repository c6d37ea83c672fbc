// Runs inside the process of the suites:
//   1. who compiles the engine, in whatever build, gets the probed debug build
//   2. every memory that an instance was made over is remembered
//   3. at the end their marks are merged and written to one file
// Nothing of the product knows about it: what is replaced are two members of `WebAssembly`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DEBUG_PATH, PROBE_BASE, RELEASE_PATH } from "../instrument/index.ts";
import { probedEngine, type ProbedEngine } from "./probed-engine.ts";

/** Returns the function that writes the marks of this process into `folder`; without an engine it writes nothing. */
export function record(folder: string): () => void {
  const builds = [RELEASE_PATH, DEBUG_PATH].map((path) => readFileSync(path));
  const memories = new Set<WebAssembly.Memory>();
  let engine: ProbedEngine | undefined;
  let module: Promise<WebAssembly.Module> | undefined;

  const compile = WebAssembly.compile.bind(WebAssembly);
  WebAssembly.compile = (source) => {
    const octets = ArrayBuffer.isView(source)
      ? Buffer.from(source.buffer, source.byteOffset, source.byteLength)
      : Buffer.from(source);
    if (!builds.some((build) => build.equals(octets))) return compile(source);
    engine ??= probedEngine();
    module ??= compile(engine.bytes.buffer);
    return module;
  };
  const { Instance } = WebAssembly;
  WebAssembly.Instance = class extends Instance {
    constructor(of: WebAssembly.Module, imports?: Bun.WebAssembly.Imports) {
      super(of, imports);
      const memory = imports?.["env"]?.["memory"];
      if (memory instanceof WebAssembly.Memory) memories.add(memory);
    }
  };
  return () => {
    if (engine === undefined) return;
    const marks = new Uint8Array(engine.probes.length);
    for (const memory of memories) merge(marks, new Uint8Array(memory.buffer, PROBE_BASE, marks.length));
    writeFileSync(join(folder, `${engine.build}-${crypto.randomUUID()}.marks`), marks);
  };
}

/** What was reached in either. */
export function merge(into: Uint8Array, from: Uint8Array): void {
  for (const [i, mark] of from.entries()) {
    if (mark !== 0) into[i] = 1;
  }
}
