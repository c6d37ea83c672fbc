// Runs the golden pages over both builds of the engine.
import { beforeAll, describe, expect, test } from "bun:test";
import type { Engine } from "@bunnel/engine";
import { packetFromLine, printPacket } from "@bunnel/wire";
import { BUILDS, carry, engineOf, readByEndpoint, tableOf } from "../engine/rig.ts";
import { hasWords, readPages } from "./pages.ts";

const pages = readPages(import.meta.dirname);

describe.each(BUILDS)("golden pages, %s build", (build) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  for (const { page, title, line, input, rule, output } of pages) {
    test(`${page}:${line} ${title}`, () => {
      const packet = packetFromLine(input);
      engine.loadRules(tableOf(rule));
      const sent = carry(engine, packet);
      const lines = sent.map(printPacket);
      for (const [i, words] of output.entries()) {
        expect({ line: lines[i], has: hasWords(lines[i] ?? "", words) }).toEqual({ line: lines[i], has: true });
      }
      expect(lines).toHaveLength(output.length);
      expect(readByEndpoint(sent, packet)).toEqual(readByEndpoint([packet], packet));
    });
  }
});

test("hasWords() wants every word, in order", () => {
  expect(hasWords("TCP a > b seq=1 len=2", "seq=1 len=2")).toBe(true);
  expect(hasWords("TCP a > b seq=1 len=2", "len=2 seq=1")).toBe(false);
  expect(hasWords("TCP a > b seq=10", "seq=1")).toBe(false);
});

test("there are pages for every technique", () => {
  const names = new Set(pages.map(({ page }) => page));
  expect([...names]).toEqual(expect.arrayContaining(["disorder.md", "fake.md", "split.md"]));
});
