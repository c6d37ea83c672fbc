// The options of one profile of zapret, taken out one after the other: what is left at the end is unknown.
import type { Option } from "./words.ts";

/** What a profile of zapret says, by the options' names without hyphens. */
export type Said = Map<string, readonly Option[]>;

/** Takes the options of these names out of what is said. */
export function taken(said: Said, ...names: readonly string[]): readonly Option[] {
  return names.flatMap((name) => {
    const found = said.get(name) ?? [];
    said.delete(name);
    return found;
  });
}
