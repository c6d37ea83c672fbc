// The targets by name.
import { EngineUnderTest } from "./engine-under-test.ts";
import { NamesTarget } from "./names-target.ts";
import { OffloadTarget } from "./offload-target.ts";
import { ParseTarget } from "./parse-target.ts";
import { PollTarget } from "./poll-target.ts";
import { RulesTarget } from "./rules-target.ts";
import type { FuzzTarget } from "./target.ts";
import { TranslateTarget } from "./translate-target.ts";

const TARGETS = {
  parse: ParseTarget,
  names: NamesTarget,
  rules: RulesTarget,
  offload: OffloadTarget,
  poll: PollTarget,
  translate: TranslateTarget,
} as const satisfies Readonly<Record<string, new (under: EngineUnderTest) => FuzzTarget>>;

export type TargetName = keyof typeof TARGETS;
export const TARGET_NAMES = Object.keys(TARGETS) as readonly TargetName[];

/** A target over an engine of its own. @throws Error when the engine was not built */
export async function targetOf(name: TargetName): Promise<FuzzTarget> {
  return new TARGETS[name](await EngineUnderTest.create());
}
