// Lines and columns of a text, both from 1; columns count UTF-16 units, as editors' language servers do.

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The position of the character at `index`; the text's length gives the position behind it. */
export function positionAt(text: string, index: number): Position {
  let line = 1;
  let lineStart = 0;
  for (let end = text.indexOf("\n"); end >= 0 && end < index; end = text.indexOf("\n", lineStart)) {
    line += 1;
    lineStart = end + 1;
  }
  return { line, column: index - lineStart + 1 };
}

/** The index of a position that `positionAt` gave for the same text. */
export function indexAt(text: string, { line, column }: Position): number {
  let lineStart = 0;
  for (let passed = 1; passed < line; passed += 1) lineStart = text.indexOf("\n", lineStart) + 1;
  return lineStart + column - 1;
}
