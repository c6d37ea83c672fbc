// The import statements of a source, wherever TypeScript lets one stand.
import { mask } from "./mask.ts";
import { lineAt } from "./tree.ts";

/** One specifier and the 1-based line where it stands. */
export interface ImportSite {
  readonly specifier: string;
  readonly line: number;
}

const FROM = /\b(?:import|export)\b[^;"'`()]*?\bfrom\s*(["'])([^"'\n]+)\1/g;
const BARE = /\bimport\s*(["'])([^"'\n]+)\1/g;
const CALL = /\b(?:import|require|import\.meta\.resolve|import\.meta\.require)\s*\(\s*(["'])([^"'\n]+)\1/g;

/** Static, side-effect, type-only and dynamic imports with a literal specifier, and resolve calls. */
export function importsOf(source: string): ImportSite[] {
  const { code, bare } = mask(source);
  const sites: ImportSite[] = [];
  for (const pattern of [FROM, BARE, CALL]) {
    for (const match of code.matchAll(pattern)) {
      // A match that begins inside a literal is text about an import.
      if (bare[match.index] !== code[match.index]) continue;
      sites.push({ specifier: match[2] ?? "", line: lineAt(source, match.index + match[0].length) });
    }
  }
  return sites.toSorted((left, right) => left.line - right.line);
}
