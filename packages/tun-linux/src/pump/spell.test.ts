import { describe, expect, test } from "bun:test";
import { Spell } from "./spell.ts";

/** The reads that are tried before each of these calls, and after the last. */
function readsOver(...came: number[]): number[] {
  const spell = new Spell();
  return [
    spell.reads,
    ...came.map((packets) => {
      spell.note(packets);
      return spell.reads;
    }),
  ];
}

describe("Spell", () => {
  test("expects a lone packet at first, and as long as packets come alone", () => {
    expect(readsOver(0, 1, 0, 1, 0, 1)).toEqual([1, 1, 1, 1, 1, 1, 1]);
  });

  test("grows with what comes, up to a burst", () => {
    expect(readsOver(1, 1, 3, 7, 15, 31, 64)).toEqual([1, 1, 3, 7, 15, 31, 63, 64]);
  });

  test("expects the next spell to be like the last, and forgets it when it was not", () => {
    expect(readsOver(1, 1, 3, 0, 5, 0, 1, 0)).toEqual([1, 1, 3, 7, 5, 11, 5, 1, 1]);
    expect(readsOver(64, 64, 0)).toEqual([1, 64, 64, 64]);
  });
});
