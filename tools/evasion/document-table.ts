// How docs/evasion.md writes tables.

/** What a cell is written as. */
export const SIGNS: Readonly<Record<string, string>> = {
  served: "**✓**",
  blocked: "·",
  reset: "r",
  forged: "f",
  broken: "?",
  "-": "",
};

export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A bar within a cell of a table. */
export function bar(text: string): string {
  return text.replaceAll("|", "\\|");
}
