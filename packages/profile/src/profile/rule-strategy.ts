// The strategy of a rule: written out, or by the name of a preset.
import { ProfileError } from "../errors.ts";
import { parseStrategy } from "../notation/checker.ts";
import type { Strategy } from "../notation/strategy.ts";
import { positionAt } from "../position.ts";
import { PRESETS, PRESET_PREFIX, presetStrategy } from "../presets.ts";
import { anyOf, shown, suggestion } from "../wording.ts";

/** What a rule's strategy says, and the preset that it was taken from. */
export interface RuleStrategy {
  readonly strategy: Strategy;
  readonly preset?: string;
}

/**
 * Reads `preset:name`, `pass` or a strategy in the notation.
 * @throws ProfileError E_STRATEGY with line and column within the text
 */
export function readRuleStrategy(text: string): RuleStrategy {
  const start = text.length - text.trimStart().length;
  if (!text.startsWith(PRESET_PREFIX, start)) return { strategy: parseStrategy(text) };
  const behind = text.slice(start + PRESET_PREFIX.length);
  const preset = behind.trim();
  const strategy = presetStrategy(preset);
  if (strategy) return { strategy, preset };
  const names = PRESETS.map(({ name }) => name);
  const at = start + PRESET_PREFIX.length + (preset === "" ? 0 : behind.length - behind.trimStart().length);
  const message = `preset: expected ${anyOf(names)}, found ${shown(preset)}${suggestion(preset, names)}`;
  throw new ProfileError("E_STRATEGY", [{ message, ...positionAt(text, at) }], "strategy");
}
