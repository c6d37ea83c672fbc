// Strategies by name: data in the notation, so that they change without the program. All but "default" bear names that
// users of turkeydpi know; there most of them left the host name whole, here each cuts inside it.
import { parseStrategy } from "./notation/checker.ts";
import type { Strategy } from "./notation/strategy.ts";

/** What a rule's strategy starts with when it names a preset. */
export const PRESET_PREFIX = "preset:";

export interface Preset {
  readonly name: string;
  /** One line for people. */
  readonly about: string;
  /** In the notation. */
  readonly strategy: string;
}

export const PRESETS: readonly Preset[] = Object.freeze(
  [
    {
      name: "default",
      about: "two cuts, last piece first; no fakes",
      strategy: "tls: split(1, midsld) disorder  http: split(method+2, midsld) disorder",
    },
    {
      name: "turk-telekom",
      about: "cuts behind two octets and in the name, in order",
      strategy: "tls: split(2, host+2, midsld)  http: split(host+2)",
    },
    {
      name: "vodafone",
      about: "cuts behind three octets and in the name, in order",
      strategy: "tls: split(3, host+3, midsld)  http: split(host+3)",
    },
    {
      name: "superonline",
      about: "cuts behind the first octet and in the name, in order",
      strategy: "tls: split(1, host+1, midsld)  http: split(host+1)",
    },
    {
      name: "aggressive",
      about: "many small pieces around and in the name, last piece first",
      strategy:
        "tls: split(1, 3, sniext, host+1, host+3, midsld, endsld, endhost) disorder  " +
        "http: split(method+1, host, host+1, host+3, midsld, endsld, endhost) disorder",
    },
    { name: "none", about: "leaves messages alone", strategy: "pass" },
  ].map((preset) => Object.freeze(preset)),
);

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
