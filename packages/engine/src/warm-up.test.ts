import { expect, test } from "bun:test";
import { LANE_COUNTERS, LANES_BASE, Counter, Reason } from "@bunnel/abi";
import { Engine } from "./engine.ts";
import { warmUpTable } from "./warm-up-table.ts";
import { warmUp, warmUpPlans } from "./warm-up.ts";

const planned = (engine: Engine): bigint =>
  new DataView(engine.memory).getBigUint64(
    LANES_BASE + LANE_COUNTERS + 8 * (Counter.Reasons + Reason.ReplacePlanned),
    true,
  );

test("warmUpPlans() has every one of its hellos planned", async () => {
  const engine = await Engine.create({ warm: false });
  const lane = engine.lane(0);
  engine.loadRules(warmUpTable());
  warmUpPlans(lane);
  expect(planned(engine)).toBe(768n);
  // A decoy and three pieces for each hello of the last burst.
  expect(lane.txCount).toBe(16 * 4);
});

test("warmUp() has its segments passed", async () => {
  const engine = await Engine.create({ warm: false });
  const lane = engine.lane(0);
  warmUp(lane);
  expect(lane.txCount).toBe(64);
});

test("a warm engine is as new: no flows, no counts, no rules", async () => {
  const engine = await Engine.create();
  expect(planned(engine)).toBe(0n);
  expect(engine.expireFlows(0, 0)).toBe(0);
  const lane = engine.lane(0);
  engine.loadRules(warmUpTable());
  engine.unloadRules();
  warmUpPlans(lane);
  expect(planned(engine)).toBe(0n);
});
