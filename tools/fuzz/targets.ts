// The targets by name.
import { EngineUnderTest } from "./engine-under-test.ts";
import { ParseTarget } from "./parse-target.ts";
import { PollTarget } from "./poll-target.ts";
import type { FuzzTarget } from "./target.ts";

export const TARGET_NAMES = ["parse", "poll"] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

/** A target over an engine of its own. @throws Error when the engine was not built */
export async function targetOf(name: TargetName): Promise<FuzzTarget> {
  const under = await EngineUnderTest.create();
  return name === "parse" ? new ParseTarget(under) : new PollTarget(under);
}
