import { expect, test } from "bun:test";
import { EAGAIN } from "../sys.ts";
import { RING_READ } from "./ring.ts";
import { tryReads, whyCalls } from "./trial.ts";

test("whyCalls() prefers the rings only where they are quicker, and says what was found", () => {
  expect(whyCalls({ callNs: 500, ringNs: 160 })).toBe("");
  expect(whyCalls({ callNs: 281.6, ringNs: 498.2 })).toBe("plain calls are quicker here: 282 ns, io_uring 498 ns");
  expect(whyCalls({ callNs: 300, ringNs: 300 })).toContain("plain calls are quicker");
});

test.each([
  ["calls", 20_000, 0],
  ["the rings", 0, 20_000],
])("tryReads() finds out that %s take longer", (_, callSpins, ringSpins) => {
  const asked = { calls: 0, puts: 0, submissions: 0 };
  const calls = {
    read: (fd: number, at: number, bytes: number) => {
      expect([fd, at, bytes]).toEqual([7, 0x5040, 8]);
      asked.calls++;
      return spin(callSpins) - 1;
    },
    write: () => -1,
    writev: () => -1,
  };
  const ring = {
    results: new Int32Array(64).fill(-EAGAIN),
    put: (operation: number, fd: number, at: number, bytes: number) => {
      expect([operation, fd, at, bytes]).toEqual([RING_READ, 7, 0x40, 8]);
      asked.puts++;
    },
    submit: () => {
      asked.submissions++;
      spin(64 * ringSpins);
    },
    close: () => undefined,
  };
  const { callNs, ringNs } = tryReads(calls, ring, 7, 0x5000, 0x40);
  expect(callNs > ringNs).toBe(callSpins > ringSpins);
  expect([asked.calls, asked.puts]).toEqual([64 * asked.submissions, 64 * asked.submissions]);
});

/** Takes its time; always 0. */
function spin(turns: number): number {
  let state = 1;
  for (let i = 0; i < turns; i++) state = (state * 48_271) % 0x7fffffff;
  return Math.min(state - 1, 0);
}
