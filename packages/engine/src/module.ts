// The WebAssembly module: where its file lies, and what an instance offers.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { MEMORY_PAGES } from "@bunnel/abi";
import { ENGINE_PATH } from "#engine-file";

/** The export list of the engine (wasm/assembly/index.ts). Numbers only. */
export interface EngineExports {
  /** Makes this instance lane `lane`; `flags` are LaneFlag of @bunnel/abi. `buckets`: a power of two. */
  open(lane: number, flags: number, mtuBytes: number, buckets: number, seedLow: number, seedHigh: number): void;
  /** Works on the packets `from` up to `to` (not included) of the lane's list; gives how many go out. */
  poll(from: number, to: number, nowMs: number): number;
  /** Answers for a held SYN of this lane (Admission); 1: done, 0: nobody waits there. What leaves is in the tx list. */
  admit(translation: number, admission: number, nowMs: number): number;
  /** Frees flows that were idle for `idleMs`; gives how many. */
  expire(nowMs: number, idleMs: number): number;
  /** Reads the headers of a packet into the record at `meta`; 1: it could be read, 0: not. */
  parse(at: number, bytes: number, meta: number): number;
  /** The same for packets of the lane's list, each into its own record; gives how many could be read. */
  parseBurst(from: number, to: number): number;
  /** Enters packets of the lane's list into the flow table and does nothing else; gives how many have a flow. */
  trackBurst(from: number, to: number, nowMs: number): number;
  /** The Internet checksum (RFC 1071) of octets, as it lies in memory. */
  checksum(at: number, bytes: number): number;
  /** The checksums of packets of the lane's list, all combined in one word by exclusive or. */
  checksumBurst(from: number, to: number): number;
  /** The checksum after one word changed (RFC 1624), all as they lie in memory. */
  updateChecksum(sum: number, oldWord: number, newWord: number): number;
  /** How many of so many names at `at` a host set of the rules has. */
  countHosts(at: number, names: number, set: number): number;
  /** How many of so many IPv4 addresses at `at` an address set of the rules has. */
  countAddresses(at: number, addresses: number, set: number): number;
  /** Merges packets `from` up to `to` (not included) of the list that goes out; gives how many groups there are. */
  coalesce(from: number, to: number, allowed: number, baseLow: number, baseHigh: number): number;
  /** Takes a group of the last `coalesce` apart, for a system that refuses it; its packets are whole again. */
  loosen(group: number): void;
  /** Cuts a super-packet into a list that goes out; gives how many packets. 0: its header contradicts it. */
  split(at: number, bytes: number): number;
}

/** "debug" has the assertions and names in it: the same code for tests. */
export type EngineBuild = "release" | "debug";

/** Reads and compiles the engine. @throws Error when the file was not built */
export async function compileEngine(build: EngineBuild = "release"): Promise<WebAssembly.Module> {
  const path = build === "debug" ? ENGINE_PATH.replace(/engine\.wasm$/u, "engine.debug.wasm") : ENGINE_PATH;
  if (!existsSync(path)) throw new Error(`engine file ${path} does not exist: build it with \`bun run build\``);
  return WebAssembly.compile(await readFile(path));
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
