// What may stand only in certain places, and what may stand nowhere.
import { posix } from "node:path";
import { importsOf } from "./imports.ts";
import { mask } from "./mask.ts";
import { type Finding, lineAt, type Tree } from "./tree.ts";

const EMPTY_NAMES = /^(utils?|helpers?|common|managers?|misc)$/;
const NAME = /^[_.]?[a-z0-9]+(?:[-.][a-z0-9]+)*$/;
const ARTEFACT = /\.(wasm|wat|so|node|map|dll|dylib|exe|o)$|(^|\/)(build|dist|node_modules|coverage)\//;
const HELD_BACK = /\b(?:test|it|describe)\s*\.\s*(?:skip|only|todo)\b/g;
const WASM_API = /\bWebAssembly\b/g;
/** Marks of unfinished work, written in halves, so that this file does not find itself. */
const MARKS = new RegExp(`\\b(?:${["TO-DO", "FIX-ME", "XX-X", "HA-CK"].join("|").replaceAll("-", "")})\\b`, "g");

/** The unsafe edge, the home of WebAssembly, names of files, artefacts, and tests that were put to sleep. */
export function findPlaces(tree: Tree): Finding[] {
  const findings: Finding[] = [];
  for (const [path, source] of tree) {
    findings.push(...findNames(path));
    if (!path.endsWith(".ts")) continue;
    const { bare } = mask(source);
    const add = (pattern: RegExp, text: string, message: string): void => {
      for (const match of text.matchAll(pattern)) findings.push({ path, line: lineAt(text, match.index), message });
    };
    for (const { specifier, line } of importsOf(source)) {
      if (specifier === "bun:ffi" && !mayCallSystem(path)) {
        findings.push({ path, line, message: "expected bun:ffi only in sys.ts and packages/ffi, found an import" });
      }
    }
    if (!mayRunWasm(path)) add(WASM_API, bare, "expected WebAssembly only in packages/engine, found its name");
    add(HELD_BACK, bare, "expected a test that runs, found one that is held back");
    add(MARKS, source, "expected finished work, found a mark of unfinished work");
  }
  return findings;
}

function findNames(path: string): Finding[] {
  const findings: Finding[] = [];
  if (ARTEFACT.test(path)) findings.push({ path, line: 0, message: "expected sources only, found something built" });
  for (const part of path.split("/")) {
    const stem = part.split(".").find((piece) => piece !== "") ?? "";
    if (EMPTY_NAMES.test(stem)) {
      findings.push({ path, line: 0, message: `expected a name that says what is inside, found ${stem}` });
    }
  }
  if (path.endsWith(".ts") && !NAME.test(posix.basename(path, ".ts"))) {
    findings.push({ path, line: 0, message: "expected a file name in kebab-case, found another" });
  }
  return findings;
}

function mayCallSystem(path: string): boolean {
  return posix.basename(path) === "sys.ts" || path.startsWith("packages/ffi/");
}

function mayRunWasm(path: string): boolean {
  return /^(packages\/engine|test|tools)\//.test(path) || path.endsWith(".test.ts");
}
