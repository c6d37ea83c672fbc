// Which strategies and which boxes a command is about: names from the command line to rows and columns.
import { resolve } from "node:path";
import {
  type BoxColumn,
  CENSOR_NAMES,
  type CensorName,
  galleryColumns,
  galleryEntry,
  GENEVA_NAMES,
  importCensor,
  isCensorName,
  type NamedStrategy,
  namedStrategies,
  openColumn,
  ownColumn,
  type Scene,
} from "@bunnel/lab";
import { parseStrategy, presetStrategy, PRESET_PREFIX, shown, strategies, suggestion } from "@bunnel/profile";
import { ExitError } from "../service/exit.ts";

/** Wrong words on the command line, as the shell's own commands tell them. */
const USAGE_STATUS = 2;
const ALL = "all";
const GENEVA = "geneva";
const OPEN = "none";

/** The rows that a comma-separated list names; without one, all. `preset:name` is a strategy of @bunnel/profile. */
export function chooseTechniques(list: string | undefined): readonly NamedStrategy[] {
  const known = namedStrategies();
  if (list === undefined || list === ALL) return known;
  return wordsOf("techniques", list).flatMap((word) => (word === ALL ? known : techniquesNamed(word, known)));
}

/** One by its whole name, or all that begin with the word. */
function techniquesNamed(word: string, known: readonly NamedStrategy[]): readonly NamedStrategy[] {
  if (word.startsWith(PRESET_PREFIX)) {
    const name = word.slice(PRESET_PREFIX.length);
    if (presetStrategy(name) !== undefined) return [{ name: word, strategy: word }];
    const names = strategies().map((entry) => entry.name);
    throw new ExitError(`preset ${shown(name)}: there is none${suggestion(name, names)}`, USAGE_STATUS);
  }
  const found = known.filter(({ name }) => plain(name) === plain(word));
  if (found.length > 0) return found;
  const family = known.filter(({ name }) => plain(name).startsWith(`${plain(word)}-`));
  if (family.length > 0) return family;
  const names = known.flatMap(({ name }) => [plain(name), plain(name).split("-")[0] ?? ""]);
  const near = suggestion(plain(word), names);
  throw new ExitError(`technique ${shown(word)}: there is none${near}; bunnel lab list shows all`, USAGE_STATUS);
}

/** The columns that a comma-separated list names: models, numbers C1 to C14, "geneva", "none" (no box), "all". */
export function chooseCensors(list: string | undefined): readonly BoxColumn[] {
  const words = list === undefined ? [ALL] : wordsOf("censors", list);
  return words.flatMap((word): readonly BoxColumn[] => {
    if (word === OPEN) return [openColumn()];
    return galleryColumns(censorsNamed(word));
  });
}

function censorsNamed(word: string): readonly CensorName[] {
  if (word === ALL) return CENSOR_NAMES;
  if (word === GENEVA) return GENEVA_NAMES;
  const name = censorNamed(word);
  if (name !== undefined) return [name];
  const near = suggestion(word, [...CENSOR_NAMES, GENEVA, OPEN, ALL]);
  throw new ExitError(`censor ${shown(word)}: there is none${near}; bunnel lab list shows all`, USAGE_STATUS);
}

/** A model by its name or number. */
export function censorNamed(word: string): CensorName | undefined {
  if (isCensorName(word)) return word;
  return CENSOR_NAMES.find((name) => galleryEntry(name).id?.toLowerCase() === word.toLowerCase());
}

/** Whether the word is a file of somebody's own: it has a folder or an ending. */
export function isFile(word: string): boolean {
  return /[\\/]|\.[cm]?[jt]s$/.test(word);
}

/** The column of a file that exports a censor. */
export async function ownCensor(path: string, message: Scene["message"]): Promise<BoxColumn> {
  try {
    return ownColumn(await importCensor(resolve(path)), message);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(`censor ${path} cannot be used: ${why}`, 1, { cause });
  }
}

const MESSAGES = ["tls", "http", "quic", "dns"] as const satisfies readonly Scene["message"][];

export function chooseMessage(word: string): Scene["message"] {
  const found = MESSAGES.find((message) => message === word);
  if (found !== undefined) return found;
  const expected = `expected ${MESSAGES.join(", ")}`;
  throw new ExitError(`message: ${expected}, found ${shown(word)}${suggestion(word, MESSAGES)}`, USAGE_STATUS);
}

const ROUTERS = ["none", "lenient", "strict"] as const;

export function chooseRouter(word: string): (typeof ROUTERS)[number] {
  const found = ROUTERS.find((router) => router === word);
  if (found !== undefined) return found;
  const expected = `expected ${ROUTERS.join(", ")}`;
  throw new ExitError(`router: ${expected}, found ${shown(word)}${suggestion(word, ROUTERS)}`, USAGE_STATUS);
}

/** A strategy as a row, checked. @throws ProfileError with the place of the fault */
export function ownStrategy(text: string, name = text): NamedStrategy {
  parseStrategy(text);
  return { name, strategy: text };
}

/** A name has no colon: what stands before the first one is a strategy's own. */
const NAMED_LINE = /^([^=:]+)=\s*(.*)$/;

/**
 * Strategies of a file: one a line, `name = strategy` or the strategy alone; lines that start with # are comments.
 */
export async function strategiesOfFile(path: string): Promise<readonly NamedStrategy[]> {
  const text = await readText(path);
  const rows = text.split("\n").flatMap((line, index): NamedStrategy[] => {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) return [];
    const [, name, strategy = trimmed] = NAMED_LINE.exec(trimmed) ?? [];
    try {
      return [ownStrategy(strategy, name?.trimEnd())];
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ExitError(`${path}:${index + 1}: ${why}`, USAGE_STATUS, { cause });
    }
  });
  if (rows.length > 0) return rows;
  throw new ExitError(`${path}: expected strategies, one a line, found none`, USAGE_STATUS);
}

async function readText(path: string): Promise<string> {
  try {
    return await Bun.file(path).text();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(`strategies ${path} cannot be read: ${why}`, 1, { cause });
  }
}

function wordsOf(what: string, list: string): readonly string[] {
  const words = list
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  if (words.length > 0) return words;
  throw new ExitError(`${what}: expected names, with commas, found ${shown(list)}`, USAGE_STATUS);
}

/**
 * Each once: what was asked for twice stands where it was asked for first.
 * @throws ExitError where two that are not alike have one name, so that nobody could tell them apart
 */
export function distinct<Named extends { readonly name: string }>(
  what: string,
  all: readonly Named[],
  alike: (one: Named, other: Named) => boolean,
): readonly Named[] {
  const known = new Map<string, Named>();
  for (const one of all) {
    const other = known.get(one.name);
    if (other === undefined) known.set(one.name, one);
    else if (!alike(one, other)) throw new ExitError(`${what} ${shown(one.name)}: two have this name`, USAGE_STATUS);
  }
  return [...known.values()];
}

/** A technique's name as one types it: small letters, everything else a hyphen. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}
