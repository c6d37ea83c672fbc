// How messages speak of words and values: lists, what was found, and the nearest right word.

/** Texts longer than this are shown cut. */
const SHOWN_MAX = 60;

/** "a", "a or b", "a, b or c". */
export function anyOf(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** A value as a message shows it. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") {
    const text = value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}…` : value;
    return text === "" ? "an empty text" : JSON.stringify(text);
  }
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return "a table";
}

/** ` (did you mean "split"?)`, or nothing when no right word is near. */
export function suggestion(word: string, words: readonly string[]): string {
  const near = nearest(word, words);
  return near === undefined ? "" : didYouMean(near);
}

/** ` (did you mean "split"?)`. */
export function didYouMean(word: string): string {
  return ` (did you mean ${JSON.stringify(word)}?)`;
}

/**
 * The right word that was most likely meant: the one with the fewest typing slips, if they are at most a third of the
 * word's letters, or one that the word begins. Letter case does not count.
 */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const typed = word.toLowerCase();
  let best: string | undefined;
  let bestSlips = Infinity;
  for (const right of words) {
    const slips = slipsBetween(typed, right.toLowerCase());
    if (slips < bestSlips) [best, bestSlips] = [right, slips];
  }
  if (best !== undefined && bestSlips <= Math.max(1, Math.floor(Math.max(typed.length, best.length) / 3))) {
    // A single letter is one slip away from every other: that says nothing.
    if (bestSlips < Math.max(typed.length, best.length)) return best;
  }
  return typed.length < 3 ? undefined : words.find((right) => right.toLowerCase().startsWith(typed));
}

/** Letters to add, drop, change or swap with their neighbour (optimal string alignment distance). */
function slipsBetween(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const changed = cell(above, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
      let slips = Math.min(changed, cell(above, column) + 1, cell(line, column - 1) + 1);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        slips = Math.min(slips, cell(before, column - 2) + 1);
      }
      line.push(slips);
    }
    [before, above] = [above, line];
  }
  return cell(above, b.length);
}

function cell(line: readonly number[], column: number): number {
  return line[column] ?? Infinity;
}
