// What may stand in the memory: host names in one form, and strategies that parse.
import { canonicalHost, PRESET_PREFIX, printStrategy, ProfileError, readRuleStrategy, shown } from "@bunnel/profile";
import { MemoryError } from "./contract.ts";

/** A host name as it is kept: ASCII, lower case, no dot at its end. @throws MemoryError E_MEMORY_VALUE */
export function keptHost(text: string): string {
  const name = canonicalHost(text);
  if (name !== undefined) return name;
  throw new MemoryError("E_MEMORY_VALUE", `host: expected a name such as www.example.org, found ${shown(text)}`);
}

/** A strategy in its one form, so that one is not kept twice. @throws MemoryError E_MEMORY_VALUE */
export function keptStrategy(text: string): string {
  try {
    const { strategy, preset } = readRuleStrategy(text);
    return preset === undefined ? printStrategy(strategy) : PRESET_PREFIX + preset;
  } catch (cause) {
    if (!(cause instanceof ProfileError)) throw cause;
    throw new MemoryError("E_MEMORY_VALUE", cause.message, { cause });
  }
}
