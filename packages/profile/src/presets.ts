// Strategies by name, from the catalogue in `strategies/`.
import { deepFreeze } from "./freeze.ts";
import { parseStrategy } from "./notation/checker.ts";
import type { Strategy } from "./notation/strategy.ts";
import { OTHERS, OWN, ZAPRET, type NamedStrategy } from "./strategies/index.ts";

/** What a rule's strategy starts with when it names a preset. */
export const PRESET_PREFIX = "preset:";

/** All of them; the first is what a profile has that says nothing. */
export const PRESETS: readonly NamedStrategy[] = deepFreeze([...OWN, ...ZAPRET, ...OTHERS]);

/** The strategies that `preset:name` knows, each with its version and what it is for. */
export function strategies(): readonly NamedStrategy[] {
  return PRESETS;
}

const parsed = new Map<string, Strategy>();

/** The strategy of a preset; undefined when there is none of that name. */
export function presetStrategy(name: string): Strategy | undefined {
  const known = parsed.get(name);
  if (known) return known;
  const preset = PRESETS.find((candidate) => candidate.name === name);
  if (!preset) return undefined;
  const strategy = parseStrategy(preset.strategy);
  parsed.set(name, strategy);
  return strategy;
}
