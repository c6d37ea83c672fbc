// The list of a censor: a name blocks itself and every name below it, whatever the case.

export class BlockedNames {
  readonly #names: ReadonlySet<string>;
  #words: readonly Word[] | undefined;
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

  /** The first entry whose letters stand in the octets, in any case; names that merely contain it count too. */
  within(octets: Uint8Array): string | undefined {
    this.#words ??= this.names.map(wordOf);
    for (const word of this.#words) if (holds(octets, word)) return word.text;
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

interface Word {
  readonly text: string;
  readonly letters: readonly number[];
  /** By octet in lower case: how far the word may be moved on when that octet stands under its last letter. */
  readonly moves: Uint8Array;
}

/** Octets in lower case, as letters of Latin-1. */
const LOWER = Uint8Array.from({ length: 256 }, (_, octet) => {
  const lower = String.fromCharCode(octet).toLowerCase();
  return lower.length === 1 && lower.charCodeAt(0) < 256 ? lower.charCodeAt(0) : octet;
});

function wordOf(text: string): Word {
  const letters = Array.from(text, (_, at) => text.charCodeAt(at));
  const moves = new Uint8Array(256).fill(Math.min(letters.length, 255));
  for (const [at, letter] of letters.slice(0, -1).entries()) {
    if (letter < 256) moves[letter] = Math.min(letters.length - 1 - at, 255);
  }
  return { text, letters, moves };
}

/** The search of Horspool (1980). */
function holds(octets: Uint8Array, { letters, moves }: Word): boolean {
  const last = letters.length - 1;
  for (let end = last; end < octets.length;) {
    const octet = LOWER[octets[end] ?? 0] ?? 0;
    let left = 0;
    while (left <= last && LOWER[octets[end - left] ?? 0] === letters[last - left]) left += 1;
    if (left > last) return true;
    end += moves[octet] ?? 1;
  }
  return false;
}

/** Answers that are remembered. */
const ASKED_MAX = 64;

function normal(name: string): string {
  return name.toLowerCase().replace(/^\.+|\.+$/g, "");
}
