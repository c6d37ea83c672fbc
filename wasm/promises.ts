// What the shipped module promises its hosts, checked on the artefact itself and not on the source.
import { MEMORY_PAGES } from "@bunnel/abi";
import { inspectModule, SECTION_DATA, SECTION_DATA_COUNT, SECTION_START } from "./sections.ts";

/** The allocator's path in the debug build's function names: `new`, strings and closures all come through it. */
const ALLOCATOR = "~lib/rt/stub/";

/**
 * The broken promises of a release build, one sentence each; an empty list is a good build.
 * A data section would overwrite the shared memory when a second instance starts; a start section would run unasked.
 */
export function releaseFaults(bytes: Uint8Array): string[] {
  const { sections, imports } = inspectModule(bytes);
  const faults: string[] = [];
  if (sections.includes(SECTION_DATA) || sections.includes(SECTION_DATA_COUNT)) {
    faults.push("engine.wasm: expected no data section, found one");
  }
  if (sections.includes(SECTION_START)) faults.push("engine.wasm: expected no start section, found one");
  const names = imports.map(({ module, name }) => `${module}.${name}`).join(", ");
  if (names !== "env.memory") faults.push(`engine.wasm: expected the sole import env.memory, found ${names || "none"}`);
  return [...faults, ...memoryFaults(bytes, "engine.wasm")];
}

/** The broken promises of a debug build: it keeps asserts and their texts, but it allocates no more than a release. */
export function debugFaults(bytes: Uint8Array): string[] {
  const faults = memoryFaults(bytes, "engine.debug.wasm");
  const allocates = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(ALLOCATOR);
  if (allocates) faults.push("engine.debug.wasm: expected no allocation, found functions of the allocator");
  return faults;
}

function memoryFaults(bytes: Uint8Array, file: string): string[] {
  const memory = inspectModule(bytes).imports.find(({ kind }) => kind === "memory")?.memory;
  if (memory?.shared === true && memory.initialPages === MEMORY_PAGES && memory.maximumPages === MEMORY_PAGES)
    return [];
  const found = memory === undefined ? "none" : JSON.stringify(memory);
  return [`${file}: expected a shared memory of exactly ${MEMORY_PAGES} pages, found ${found}`];
}
