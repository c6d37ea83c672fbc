// A few small inputs that together reach as much as many.
import { EdgeMap } from "./edge-map.ts";
import { runCase } from "./fuzz.ts";
import { type FuzzInput, inputBytes } from "./input.ts";
import type { FuzzTarget } from "./target.ts";

/** Of `inputs` those that reach an edge which `known` and smaller ones do not; failing ones are left out. */
export function distil(target: FuzzTarget, inputs: readonly FuzzInput[], known: readonly FuzzInput[]): FuzzInput[] {
  const edges = new EdgeMap(target.counters, target.scan);
  for (const input of known) reaches(target, edges, input);
  const bySize = inputs.toSorted((left, right) => inputBytes(left) - inputBytes(right));
  return bySize.filter((input) => reaches(target, edges, input));
}

function reaches(target: FuzzTarget, edges: EdgeMap, input: FuzzInput): boolean {
  const before = edges.edges;
  edges.clear();
  const failed = runCase(target, input) !== undefined;
  if (failed) edges.clear();
  else edges.take();
  return edges.edges > before;
}
