// The planner in C is a reference only as long as it sends the engine's packets: `candidates` refuses anything else.
import { afterAll, expect, test } from "bun:test";
import { helloPart } from "./engine-hello-part.ts";
import { Stage } from "./stage.ts";

const stage = new Stage();
afterAll(() => stage[Symbol.dispose]());

test("the C planner sends the engine's packets, and both give every measure of the rows", async () => {
  const candidates = await helloPart.candidates(stage);
  expect(candidates.map(({ name }) => name)).toEqual(["C", "ours"]);
  for (const candidate of candidates) {
    const sample = await candidate.run();
    for (const { measure } of helloPart.rows) expect(sample[measure]).toBeGreaterThan(0);
  }
}, 60_000);
