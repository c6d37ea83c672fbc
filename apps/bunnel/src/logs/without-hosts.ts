// Takes host names out of what is about to be logged: whom somebody talks to is nobody else's business.

const HIDDEN = "(host)";

/** Two labels or more, the last of letters first, and neither a path nor the middle of a word. */
const HOST = /(?<![\w/.-])(?:\*\.|=)?(?:[a-z0-9_][a-z0-9_-]{0,62}\.)+[a-z][a-z0-9-]{1,62}(?![\w/.-]*\/)/giu;
/** What looks like a name and is a file, or a key of a profile. */
const FILE = /\.(?:toml|txt|lst|list|gz|zst|json|log|sock|conf|service|sqlite|damaged)$/iu;
const KEY = /^(?:service|log|interception|device|limits|memory|include|exclude|rule|payload)\./u;

/** The fields with every host name in a text of theirs hidden, however deep it lies. */
export function withoutHosts(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, hidden(value)]));
}

function hidden(value: unknown): unknown {
  if (typeof value === "string") {
    return value.replaceAll(HOST, (found) => (FILE.test(found) || KEY.test(found) ? found : HIDDEN));
  }
  if (Array.isArray(value)) return value.map(hidden);
  if (typeof value === "object" && value !== null) return withoutHosts({ ...value });
  return value;
}
