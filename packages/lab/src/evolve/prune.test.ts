import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Evaluator, fitnessOf } from "./evaluate.ts";
import type { Evaluation } from "./evaluate.ts";
import { crossed, genomeSize, genomeText, isWritable, mutated } from "./genome.ts";
import type { Gene, Genome } from "./genome.ts";
import { openPool } from "./pool.ts";
import { prune } from "./prune.ts";
import { shapesOf } from "./shapes.ts";
import { SeededRandom } from "../link/random.ts";

setDefaultTimeout(60_000);

function gene(technique: string, ...words: readonly (readonly string[])[]): Gene {
  const shape = shapesOf("tls").find((each) => each.technique === technique);
  if (shape === undefined) throw new Error(`shape of ${technique}: expected one, found none`);
  return { shape, words: shape.slots.map((_, index) => words[index] ?? []) };
}

describe("prune()", () => {
  test("takes away what the box does not ask for, and says why the rest stays", async () => {
    const long: Genome = [
      gene("fake", ["sni=www.example.org"], ["ttl=4", "md5sig"], ["x3"]),
      gene("dup", ["x2"]),
      gene("split", ["1", "midsld"]),
    ];
    await using pool = await openPool({ opponent: { kind: "gallery", name: "packet" }, nat: "none" }, 0);
    const { genome, notes } = await prune(long, "tls", pool);
    expect(genomeText(genome, "tls")).toBe("tls: split(midsld)");
    expect(notes.filter(({ kept }) => !kept).map(({ part }) => part)).toEqual([
      "fake(sni=www.example.org, ttl=4, md5sig, x3)",
      "dup(x2)",
      "1 of split(1, midsld)",
    ]);
  });

  test("keeps of two parts the one that is needed", async () => {
    const both: Genome = [gene("fake", ["sni=www.example.org"], ["ttl=4"]), gene("split", ["midsld"])];
    const opponent = { kind: "gallery", name: "full-first" } as const;
    await using pool = await openPool({ opponent, nat: "none" }, 0);
    const { genome, notes } = await prune([...both], "tls", pool);
    expect(genomeText(genome, "tls")).toBe("tls: fake(sni=www.example.org, ttl=4)");
    expect(notes.map(({ part, kept }) => [part, kept])).toEqual([
      ["split(midsld)", false],
      ["fake(sni=www.example.org, ttl=4)", true],
    ]);
  });

  test("tells what a box finds without a part", async () => {
    const needed: Genome = [gene("split", ["midsld"]), gene("disorder")];
    await using pool = await openPool({ opponent: { kind: "gallery", name: "inorder" }, nat: "none" }, 0);
    const { genome, notes } = await prune(needed, "tls", pool);
    expect(genomeText(genome, "tls")).toBe("tls: split(midsld) disorder");
    expect(notes).toEqual([
      { part: "split(midsld)", kept: true, why: "the rest is no strategy without it" },
      { part: "disorder", kept: true, why: "without it the connection is blocked: the box found video.example.org" },
    ]);
  });
});

describe("fitnessOf()", () => {
  const made = (outcomes: Evaluation["outcomes"], sent = 10): Evaluation => ({ outcomes, sent, matched: undefined });

  test("orders as it says: passing by size, caught, broken", () => {
    const small = fitnessOf(made(["served", "served"]), 5, 10);
    const large = fitnessOf(made(["served", "served"]), 9, 10);
    const loud = fitnessOf(made(["served", "served"], 20), 5, 10);
    const half = fitnessOf(made(["served", "blocked"]), 5, 10);
    const caught = fitnessOf(made(["blocked", "reset"]), 5, 10);
    const broken = fitnessOf(made(["broken", "served"]), 5, 10);
    expect(small).toBeGreaterThan(large);
    expect(large).toBeGreaterThan(half);
    expect([small, loud, half, caught, broken]).toEqual([95, 90, 4.5, -0.5, -50.5]);
  });
});

describe("genomes", () => {
  test.each(["tls", "http", "quic", "dns"] as const)(
    "%s: whatever mutation and crossing make can be written",
    (message) => {
      const random = new SeededRandom(8);
      let one: Genome = [];
      let other: Genome = [];
      const techniques = new Set<string>();
      for (let turn = 0; turn < 1500; turn += 1) {
        one = mutated(one, message, random);
        other = turn % 3 === 0 ? crossed(one, other, message, random) : mutated(other, message, random);
        for (const genome of [one, other]) {
          expect(isWritable(genome, message)).toBe(true);
          for (const { shape } of genome) techniques.add(shape.technique);
          expect(genomeSize(genome)).toBeGreaterThanOrEqual(4 * genome.length);
        }
      }
      expect([...techniques].toSorted()).toEqual(
        shapesOf(message)
          .map(({ technique }) => technique)
          .toSorted(),
      );
    },
  );

  test("nothing is written as pass", () => {
    expect(genomeText([], "tls")).toBe("pass");
    expect(genomeText([gene("disorder"), gene("syndata", ["tls"])], "tls")).toBe("tls: disorder  syn: syndata(tls)");
  });
});

test("Evaluator.evaluate() gives the same for the same strategy, whatever came before", async () => {
  const evaluator = await Evaluator.create({ kind: "gallery", name: "full-last" });
  const strategies = ["pass", "tls: fakedsplit(midsld, ttl=4)", "tls: fake(random, ttl=4)", "syn: syndata(tls)"];
  const first = strategies.map((strategy) => evaluator.evaluate(strategy));
  const again = strategies.toReversed().map((strategy) => evaluator.evaluate(strategy));
  expect(again.toReversed()).toEqual(first);
});
