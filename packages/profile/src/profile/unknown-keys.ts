// Keys that a profile does not have. All of them are found, each with the nearest key that it does have.
import { anyOf, suggestion } from "../wording.ts";
import type { Path } from "./locate.ts";
import { KEYS } from "./schema.ts";

export interface UnknownKey {
  readonly path: Path;
  /** The sentence behind the key's name. */
  readonly message: string;
}

type TableName = Exclude<keyof typeof KEYS, "root">;
const TABLES = (Object.keys(KEYS) as (keyof typeof KEYS)[]).filter((name): name is TableName => name !== "root");

/** Every unknown key of the parsed text. */
export function unknownKeys(root: Readonly<Record<string, unknown>>): readonly UnknownKey[] {
  return [...unknownIn(root, [], KEYS.root), ...TABLES.flatMap((name) => unknownInSection(root[name], name))];
}

function unknownInSection(section: unknown, name: TableName): readonly UnknownKey[] {
  if (!Array.isArray(section)) return unknownIn(section, [name], KEYS[name]);
  if (name !== "rule") return [];
  return section.flatMap((rule: unknown, index) => unknownIn(rule, [name, index], KEYS[name]));
}

function unknownIn(table: unknown, path: Path, known: readonly string[]): UnknownKey[] {
  if (typeof table !== "object" || table === null) return [];
  return Object.keys(table)
    .filter((key) => !known.includes(key))
    .map((key) => ({
      path: [...path, key],
      message: `unknown key: expected ${anyOf(known)}${suggestion(key, known) || elsewhere(key)}`,
    }));
}

/** A key that is right but stands in the wrong table. */
function elsewhere(key: string): string {
  const owner = TABLES.find((name) => KEYS[name].includes(key));
  return owner === undefined
    ? ""
    : ` (did you mean ${JSON.stringify(key)} in ${owner === "rule" ? "[[rule]]" : `[${owner}]`}?)`;
}
