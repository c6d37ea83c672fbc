import { describe, expect, test } from "bun:test";
import { HeapKeeper } from "./heap-keeper.ts";

const NEVER_MS = 1_000_000;

describe("HeapKeeper", () => {
  test("collects when the process grew, measured from the least that it was", () => {
    const seen = { used: 500_000_000, collected: 0 };
    using keeper = new HeapKeeper(
      {
        used: () => seen.used,
        collect: () => {
          seen.collected++;
          seen.used = 503_000_000;
        },
      },
      NEVER_MS,
    );
    const look = (used: number): number => {
      seen.used = used;
      keeper.look();
      return seen.collected;
    };
    expect([508_000_000, 495_000_000, 503_000_000].map(look)).toEqual([0, 0, 0]);
    expect(look(503_000_001)).toBe(1);
    // From here on 503 million are the least.
    expect(look(511_000_000)).toBe(1);
    expect(look(511_000_001)).toBe(2);
  });

  test("looks by itself, and no more when it is disposed", async () => {
    const looked = Promise.withResolvers<void>();
    let looks = 0;
    const keeper = new HeapKeeper({ used: () => (++looks === 3 ? looked.resolve() : undefined, 0), collect() {} }, 1);
    await looked.promise;
    keeper[Symbol.dispose]();
    const before = looks;
    await Bun.sleep(20);
    expect(looks).toBe(before);
  });
});
