import { describe, expect, test } from "bun:test";
import { Spell } from "./spell.ts";

/** The reads that are tried before each of these calls, and after the last. */
function readsOver(...came: number[]): number[] {
  const spell = new Spell();
  return [
    spell.reads,
    ...came.map((packets) => {
      spell.note(packets, 60 * packets);
      return spell.reads;
    }),
  ];
}

/** Whether more is looked for behind each lone packet, when one goes to sleep wherever none is expected. */
function looksBehind(lonePackets: number): boolean[] {
  const spell = new Spell();
  return Array.from({ length: lonePackets }, () => {
    spell.note(1, 60);
    const looks = spell.mayHaveMore;
    if (looks) spell.note(0, 0);
    else spell.rest();
    return looks;
  });
}

describe("Spell", () => {
  test("looks behind every ninth lone packet only", () => {
    const trusted = Array.from({ length: 8 }, () => false);
    expect(looksBehind(20)).toEqual([...trusted, true, ...trusted, true, false, false]);
  });

  test("looks for more behind a burst, and takes packets that never end for one", () => {
    const spell = new Spell();
    for (let i = 0; i < 8; i++) {
      spell.note(1, 60);
      spell.rest();
    }
    spell.note(1, 60);
    spell.note(1, 60);
    expect([spell.mayHaveMore, spell.reads]).toEqual([true, 3]);
    spell.note(3, 180);
    spell.rest();
    expect([spell.mayHaveMore, spell.reads]).toEqual([true, 7]);
  });

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

  test("packets are large from a mean of 8192 octets on, and stay so while none comes", () => {
    const spell = new Spell();
    const large = [
      [4, 4 * 8192 - 1],
      [4, 4 * 8192],
      [0, 0],
      [1, 65_535],
      [64, 64 * 1500],
    ].map(([came = 0, octets = 0]) => {
      spell.note(came, octets);
      return spell.areLarge;
    });
    expect(large).toEqual([false, true, true, true, false]);
  });
});
