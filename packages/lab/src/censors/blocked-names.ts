// The list of a censor: a name blocks itself and every name below it, whatever the case.

export class BlockedNames {
  readonly #names: ReadonlySet<string>;
  /** What was asked last: a model asks about the same few names again and again. */
  readonly #asked = new Map<string, string | undefined>();

  constructor(names: readonly string[]) {
    this.#names = new Set(names.map(normal).filter((name) => name !== ""));
  }

  /** The names in normal form: lower case, without dots at the ends. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  /** The entry of the list that blocks `host`, the longest first; undefined when none does. */
  match(host: string | undefined): string | undefined {
    if (host === undefined) return undefined;
    if (this.#asked.has(host)) return this.#asked.get(host);
    const found = this.#search(host);
    if (this.#asked.size >= ASKED_MAX) this.#asked.clear();
    this.#asked.set(host, found);
    return found;
  }

  /** The first entry whose letters stand in the text, in any case; names that merely contain it count too. */
  within(text: string): string | undefined {
    const lower = text.toLowerCase();
    for (const name of this.#names) if (lower.includes(name)) return name;
    return undefined;
  }

  #search(host: string): string | undefined {
    const labels = normal(host).split(".");
    for (let first = 0; first < labels.length; first += 1) {
      const name = labels.slice(first).join(".");
      if (this.#names.has(name)) return name;
    }
    return undefined;
  }
}

/** Answers that are remembered. */
const ASKED_MAX = 64;

function normal(name: string): string {
  return name.toLowerCase().replace(/^\.+|\.+$/g, "");
}
