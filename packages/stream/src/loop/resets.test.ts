import { expect, test } from "bun:test";
import { Resets, RESETS_AT_ONCE } from "./resets.ts";

const MANY = 2 * RESETS_AT_ONCE + 3;

/** Many that are to be reset, those that were, and what is to be done later. */
function sendMany() {
  const timed: (() => void)[] = [];
  const reset: number[] = [];
  const resets = new Resets(
    (_ms, act) => timed.push(act),
    (fd) => reset.push(fd),
  );
  for (let fd = 0; fd < MANY; fd++) resets.send(fd);
  return { resets, reset, timed };
}

test("Resets.send() resets in order, and no more at once than a queue can take", () => {
  const { reset, timed } = sendMany();
  const counts: number[] = [];
  for (let act: (() => void) | undefined = () => undefined; act !== undefined; act = timed.shift()) {
    act();
    counts.push(reset.length);
  }
  // The last look finds nothing more to do, and sets no time for another.
  expect(counts).toEqual([RESETS_AT_ONCE, 2 * RESETS_AT_ONCE, MANY, MANY]);
  expect(reset).toEqual(Array.from({ length: MANY }, (_, fd) => fd));
});

test("Resets.finish() leaves none", () => {
  const { resets, reset } = sendMany();
  resets.finish();
  expect(reset).toHaveLength(MANY);
});
