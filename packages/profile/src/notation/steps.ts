// How much a strategy makes of one message, at most: a plan has room for so many steps and no more.
import type { Operation } from "./strategy.ts";

/** Pieces and fakes of a message in which every point lies apart from the others. */
export function stepsOf(operations: readonly Operation[]): number {
  let pieces = 1;
  let fakes = 0;
  for (const operation of operations) {
    const { technique } = operation;
    if ("points" in operation && technique !== "tlsrec") pieces += operation.points.length;
    if (technique === "oob") pieces += 1;
    if (technique === "hostfakesplit") pieces += operation.midhost ? 3 : 2;
    if (technique === "dup") pieces += pieces * operation.repeats;
    if (technique === "fakedsplit") fakes += pieces * 2 * operation.repeats;
    if (technique === "hostfakesplit") fakes += 2 * operation.repeats;
    if (technique === "fake" || technique === "rst" || technique === "synack") fakes += operation.repeats;
  }
  return pieces + fakes;
}
