import { describe, expect, test } from "bun:test";
import { MemoryWatch } from "./memory-watch.ts";

function watchOf(mostMb: number) {
  const seen = { usedMb: 0, relieved: 0, gaveUp: [] as string[] };
  const watch = new MemoryWatch({
    mostMb: () => mostMb,
    used: () => seen.usedMb * 1_000_000,
    relieve: () => void seen.relieved++,
    giveUp: (error) => void seen.gaveUp.push(error.message),
  });
  return { seen, watch };
}

describe("MemoryWatch", () => {
  test("gives back what it can, and gives up when that does not help", () => {
    const { seen, watch } = watchOf(100);
    seen.usedMb = 101;
    watch.look();
    watch.look();
    expect(seen).toMatchObject({ relieved: 2, gaveUp: [] });
    watch.look();
    expect(seen.gaveUp).toEqual(["memory: expected at most 100 MB (limits.max_memory_mb), found 101 MB"]);
  });

  test("forgets what was over once", () => {
    const { seen, watch } = watchOf(100);
    for (const usedMb of [101, 101, 100, 101, 101]) {
      seen.usedMb = usedMb;
      watch.look();
    }
    expect(seen).toMatchObject({ relieved: 4, gaveUp: [] });
    watch[Symbol.dispose]();
  });

  test("does nothing without a limit", () => {
    const { seen, watch } = watchOf(0);
    seen.usedMb = 1_000_000;
    for (let i = 0; i < 5; i++) watch.look();
    expect(seen).toMatchObject({ relieved: 0, gaveUp: [] });
    watch[Symbol.dispose]();
  });
});
