// Inputs as files: `<target>-<hash>.txt`, one input each.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FuzzInput, parseInput, printInput } from "./input.ts";
import type { TargetName } from "./targets.ts";

/** The inputs for a target that lie in a folder, by file name; none where there is no folder. */
export function readInputs(folder: string, target: TargetName): Map<string, FuzzInput> {
  const names = existsSync(folder) ? readdirSync(folder).toSorted() : [];
  const ours = names.filter((name) => name.startsWith(`${target}-`) && name.endsWith(".txt"));
  return new Map(ours.map((name) => [name, parseInput(readFileSync(join(folder, name), "utf8"))]));
}

/** Writes an input with a remark above it; returns its path. */
export function writeInput(folder: string, target: TargetName, input: FuzzInput, remark: string): string {
  const text = printInput(input);
  const hash = new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 12);
  const path = join(folder, `${target}-${hash}.txt`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, remark === "" ? text : `# ${remark}\n${text}`);
  return path;
}
