// Finds the counters that an execution left, sixteen at a time. The same loop in TypeScript took longer than the
// executions of the parser whose counters it looked through.
//
//   scan(at, end): the address of the first sixteen octets from `at` on that are not all zero, or `end`
import { unsignedLeb } from "../instrument/index.ts";

const HEADER = "0061736d01000000";
const TYPES = "01070160027f7f017f";
const FUNCTIONS = "03020100";
const EXPORTS = "070801047363616e0000";
const BODY = [
  "00",
  "0340",
  "200020014f044020010f0b", // at >= end: return end
  "2000fd000000fd53044020000f0b", // any of sixteen: return at
  "200041106a21000c00", // at += 16, on
  "0b000b",
].join("");

export type ProbeScan = (at: number, end: number) => number;

/** A scanner over a shared memory of `pages` pages; `at` and `end` are sixteen times something apart. */
export async function probeScan(memory: WebAssembly.Memory, pages: number): Promise<ProbeScan> {
  const limits = [3, ...unsignedLeb(pages), ...unsignedLeb(pages)];
  const memoryImport = [3, ...Buffer.from("env"), 6, ...Buffer.from("memory"), 2, ...limits];
  const imports = Uint8Array.from([2, memoryImport.length + 1, 1, ...memoryImport]).toHex();
  const body = Uint8Array.fromHex(BODY);
  const code = Uint8Array.of(10, body.length + 2, 1, body.length).toHex() + BODY;
  const bytes = Uint8Array.fromHex(HEADER + TYPES + imports + FUNCTIONS + EXPORTS + code);
  const instance = new WebAssembly.Instance(await WebAssembly.compile(bytes), { env: { memory } });
  return instance.exports["scan"] as ProbeScan;
}
