// The list of a censor: a name blocks itself and every name below it, whatever the case.

export class BlockedNames {
  readonly #names: ReadonlySet<string>;

  constructor(names: readonly string[]) {
    this.#names = new Set(names.map(normal).filter((name) => name !== ""));
  }

  /** The names in normal form: lower case, without dots at the ends. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  /** The entry of the list that blocks `host`, the longest first; undefined when none does. */
  match(host: string | undefined): string | undefined {
    const labels = normal(host ?? "").split(".");
    for (let first = 0; first < labels.length; first += 1) {
      const name = labels.slice(first).join(".");
      if (this.#names.has(name)) return name;
    }
    return undefined;
  }
}

function normal(name: string): string {
  return name.toLowerCase().replace(/^\.+|\.+$/g, "");
}
