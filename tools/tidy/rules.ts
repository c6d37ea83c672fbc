// Every rule of tidy by its name.
import { findChangesets } from "./changesets.ts";
import { findLevels } from "./levels.ts";
import { findPackages } from "./packages.ts";
import { findPlaces } from "./places.ts";
import { findSizes } from "./sizes.ts";
import { findTraces } from "./traces.ts";
import type { Finding, Tree } from "./tree.ts";

/** A rule reads the whole tree and answers what is not as it should be. */
export type Rule = (tree: Tree) => Finding[];

/** All rules, in the order in which they are reported. */
export const rules: ReadonlyMap<string, Rule> = new Map([
  ["levels", findLevels],
  ["places", findPlaces],
  ["sizes", findSizes],
  ["packages", findPackages],
  ["changesets", findChangesets],
  ["traces", findTraces],
]);

/** A finding as one line that an editor can jump to. */
export function show({ path, line, message }: Finding): string {
  return line === 0 ? `${path}: ${message}` : `${path}:${line}: ${message}`;
}
