// Sizes that a reader can hold: lines of a file and columns of a line. The linter measures functions.
import type { Finding, Tree } from "./tree.ts";

const LINES_MAX = 400;
const COLUMNS_MAX = 120;
const characters = new Intl.Segmenter();
const CODE = /\.(ts|sh|c|h)$|^\.ci\/run$/;

/** Files of code that are too long, and lines that are too wide. A column is one character, not one octet. */
export function findSizes(tree: Tree): Finding[] {
  const findings: Finding[] = [];
  for (const [path, source] of tree) {
    if (!CODE.test(path)) continue;
    const lines = source.replace(/\n$/, "").split("\n");
    if (lines.length > LINES_MAX) {
      findings.push({ path, line: 0, message: `expected at most ${LINES_MAX} lines, found ${lines.length}` });
    }
    for (const [index, text] of lines.entries()) {
      if (text.length <= COLUMNS_MAX) continue;
      const columns = [...characters.segment(text)].length;
      if (columns <= COLUMNS_MAX) continue;
      findings.push({ path, line: index + 1, message: `expected at most ${COLUMNS_MAX} columns, found ${columns}` });
    }
  }
  return findings;
}
