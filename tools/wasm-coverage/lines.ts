// From marks of probes to lines and branches of the sources.
import type { Probe, SourcePlace } from "../instrument/index.ts";

/** An arm of a branch. */
export interface Arm {
  readonly line: number;
  readonly hit: boolean;
}

export interface FileCoverage {
  /** Path from the repository's root. */
  readonly path: string;
  /** Line to whether any of its instructions was reached, by rising line. */
  readonly lines: ReadonlyMap<number, boolean>;
  /** Arms that have instructions of their own: behind `if`, behind `else`, behind a condition that was not taken. */
  readonly arms: readonly Arm[];
}

const ENGINE_FOLDER = "assembly/";

interface Draft {
  readonly lines: Map<number, boolean>;
  readonly arms: Arm[];
}

/** Coverage of every file of the engine's own sources that left code in the build, by path. */
export function linesOf(
  probes: readonly Probe[],
  places: readonly SourcePlace[],
  marks: Uint8Array,
): readonly FileCoverage[] {
  const files = new Map<string, Draft>();
  const offsets = places.map(({ offset }) => offset);
  for (const [i, { kind, offset }] of probes.entries()) {
    const isArm = kind === "then" || kind === "else" || kind === "fallthrough";
    if (kind !== "statement" && !isArm) continue;
    const place = places[lastUpTo(offsets, offset)];
    if (place === undefined || !place.file.startsWith(ENGINE_FOLDER)) continue;
    const draft: Draft = files.get(place.file) ?? { lines: new Map(), arms: [] };
    files.set(place.file, draft);
    const hit = marks[i] === 1;
    if (isArm) draft.arms.push({ line: place.line, hit });
    else draft.lines.set(place.line, hit || draft.lines.get(place.line) === true);
  }
  const byPath = [...files].toSorted(([left], [right]) => (left < right ? -1 : 1));
  return byPath.map(([file, { lines, arms }]) => ({
    path: `wasm/${file}`,
    lines: new Map([...lines].toSorted(([left], [right]) => left - right)),
    arms: arms.toSorted((left, right) => left.line - right.line),
  }));
}

/** Index of the last number that is not above `limit`; -1: there is none. */
function lastUpTo(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
