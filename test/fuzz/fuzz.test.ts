// A bounded search with a fixed seed. `bun run fuzz` searches for longer.
import { expect, test } from "bun:test";
import { fuzz, type FuzzResult, readInputs, seedsOf, targetOf, type TargetName } from "@bunnel/tools/fuzz";
import { join } from "node:path";
import { KNOWN } from "./known.ts";

const corpus = join(import.meta.dirname, "corpus");
/** Numbers differ between inputs that break the same law. */
const kindOf = (message: string): string => message.replaceAll(/\d+/gu, "#");
const known = new Set([...KNOWN.values()].map(kindOf));

test.each([
  ["parse", 200_000, 70],
  ["names", 100_000, 350],
  ["rules", 20_000, 800],
  ["offload", 20_000, 350],
  ["poll", 20_000, 1600],
] as const)("%s: %d executions break nothing new and reach at least %d edges", async (name, executions, edges) => {
  const found = await search(name, executions);
  const messages = found.failures.map(({ message }) => message);
  expect(messages.filter((message) => !known.has(kindOf(message)))).toEqual([]);
  expect(found.executions).toBe(executions);
  expect(found.edges).toBeGreaterThan(edges);
});

test("poll: equal seeds search equally", async () => {
  const [first, second] = [await search("poll", 1500), await search("poll", 1500)];
  expect(second).toEqual(first);
});

async function search(name: TargetName, executions: number): Promise<FuzzResult> {
  const seeds = [...seedsOf(name), ...readInputs(corpus, name).values()];
  return fuzz(await targetOf(name), { seed: 1, seeds, executions });
}
