import { expect, test } from "bun:test";
import { parseStrategy, PRESETS } from "@bunnel/profile";
import { costOf, inOrder, type Candidate, type Knowledge } from "./candidates.ts";

const NOTHING: Knowledge = { scoreOf: () => undefined, elsewhere: [], failed: [] };

function candidates(...texts: string[]): Candidate[] {
  return texts.map((text) => ({ text, strategy: parseStrategy(text) }));
}

const FAKE = "tls: fake(ttl=4, x6) split(1)";
const SPLIT = "tls: split(1)";
const DISORDER = "tls: split(1, midsld) disorder";

test("inOrder() begins with the cheapest", () => {
  expect(inOrder(candidates(FAKE, DISORDER, SPLIT), "tls", NOTHING).map(({ text }) => text)).toEqual([
    ...[SPLIT, DISORDER, FAKE],
  ]);
});

test("inOrder() has first what worked here, then what works for others here, and last what failed", () => {
  const scores: Readonly<Record<string, number>> = { [SPLIT]: 0.2, [FAKE]: 0.9, "tls: split(2)": 0.4 };
  const known = { scoreOf: (text: string) => scores[text], elsewhere: [SPLIT, "tls: split(3) disorder"], failed: [] };
  const all = candidates(SPLIT, DISORDER, "tls: split(3) disorder", "tls: split(2)", FAKE);
  expect(inOrder(all, "tls", known).map(({ text }) => text)).toEqual([
    ...[FAKE, "tls: split(3) disorder", DISORDER, "tls: split(2)", SPLIT],
  ]);
});

test("inOrder() has other makes before more of what failed", () => {
  const all = candidates("tls: split(2)", SPLIT, FAKE, "tls: split(1, 3) disorder", DISORDER);
  const known = { ...NOTHING, failed: [parseStrategy("tls: split(7)")] };
  expect(inOrder(all, "tls", known).map(({ text }) => text)).toEqual([
    ...["tls: split(1, 3) disorder", DISORDER, FAKE, "tls: split(2)", SPLIT],
  ]);
});

test("inOrder() leaves out what does nothing to the message, and what does the same", () => {
  const all = candidates("http: split(2)", "tls: split(1)  http: split(3)", SPLIT, "pass", "quic: drop");
  expect(inOrder(all, "tls", NOTHING).map(({ text }) => text)).toEqual(["tls: split(1)  http: split(3)"]);
  expect(inOrder(all, "http", NOTHING)).toHaveLength(2);
});

test("costOf() has a figure for every strategy of the catalogue that acts", () => {
  for (const { strategy } of PRESETS) {
    const read = parseStrategy(strategy);
    for (const kind of ["tls", "http"] as const) {
      const acts = read.clauses.some((clause) => clause.kind === kind && clause.operations.length > 0);
      expect(costOf(read, kind) > 0).toBe(acts);
    }
  }
});
