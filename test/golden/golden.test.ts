// Runs the golden pages over both builds of the engine.
import { beforeAll, describe, expect, test } from "bun:test";
import type { Engine } from "@bunnel/engine";
import { BUILDS, engineOf } from "../engine/rig.ts";
import { hasWords, readPages } from "./pages.ts";
import { PAGE_OF, runCase } from "./run-case.ts";

const pages = readPages(import.meta.dirname);

describe.each(BUILDS)("golden pages, %s build", (build) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  for (const golden of pages) {
    test(`${golden.page}:${golden.line} ${golden.title}`, () => {
      const { lines, reads } = runCase(engine, golden);
      for (const [i, words] of golden.output.entries()) {
        expect({ line: lines[i], has: hasWords(lines[i] ?? "", words) }).toEqual({ line: lines[i], has: true });
      }
      expect(lines).toHaveLength(golden.output.length);
      expect(reads).toBe(golden.reads);
    });
  }
});

test("hasWords() wants every word, in order", () => {
  expect(hasWords("TCP a > b seq=1 len=2", "seq=1 len=2")).toBe(true);
  expect(hasWords("TCP a > b seq=1 len=2", "len=2 seq=1")).toBe(false);
  expect(hasWords("TCP a > b seq=10", "seq=1")).toBe(false);
});

test("there is a page for every technique", () => {
  const names = [...new Set(pages.map(({ page }) => page))];
  expect(names).toEqual(
    Object.values(PAGE_OF)
      .map((word) => `${word}.md`)
      .toSorted(),
  );
});
