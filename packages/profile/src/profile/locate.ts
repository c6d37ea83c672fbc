// Where keys and values stand in a TOML text (toml.io v1.1). The parser gives values without their places, and a
// message without a place is half a message. Reads only texts that the parser has accepted, so it checks nothing again.

/** Keys and list indexes from the root. */
export type Path = readonly (string | number)[];

/** Indexes into the text. A table's value place is that of its header. */
export interface Place {
  readonly keyAt: number;
  readonly valueAt: number;
}

const BLANK = /(?:[ \t\r\n]|#[^\n]*)*/y;
const INLINE_BLANK = /[ \t]*/y;
const BARE_KEY = /[A-Za-z0-9_-]+/y;
const BARE_VALUE = /[^,\]}#\r\n]*/y;
const STRING = /"""(?:\\[^]|(?!""")[^])*"{3,5}|'''(?:(?!''')[^])*'{3,5}|"(?:\\.|[^"\\])*"|'[^']*'/y;

/** The places of everything in a valid TOML text. */
export class Locator {
  private readonly places = new Map<string, Place>();
  /** Elements so far of each `[[list]]`. */
  private readonly listLengths = new Map<string, number>();
  private at = 0;

  constructor(private readonly text: string) {
    if (text.startsWith("\ufeff")) this.at = 1;
    let table: Path = [];
    for (this.skip(BLANK); this.at < text.length; this.skip(BLANK)) {
      if (text[this.at] === "[") table = this.header();
      else this.keyValue(table);
    }
  }

  /** The place of a path, or of the nearest thing around it that the text has. */
  find(path: Path): Place {
    for (let length = path.length; length > 0; length -= 1) {
      const place = this.places.get(JSON.stringify(path.slice(0, length)));
      if (place) return place;
    }
    return { keyAt: 0, valueAt: 0 };
  }

  private header(): Path {
    const start = this.at;
    const isList = this.text.startsWith("[[", start);
    this.at += isList ? 2 : 1;
    const keys = this.keys().map(({ key }) => key);
    this.at += isList ? 2 : 1;
    let path: Path = [];
    for (const [index, key] of keys.entries()) {
      path = [...path, key];
      const name = JSON.stringify(path);
      let length = this.listLengths.get(name);
      if (isList && index === keys.length - 1) {
        this.note(path, start, start);
        this.listLengths.set(name, (length = (length ?? 0) + 1));
      }
      if (length !== undefined) path = [...path, length - 1];
    }
    this.note(path, start, start);
    return path;
  }

  private keyValue(table: Path): void {
    const keys = this.keys();
    let path = table;
    this.at += 1;
    this.skip(INLINE_BLANK);
    for (const { key, keyAt } of keys) {
      path = [...path, key];
      this.note(path, keyAt, this.at);
    }
    this.value(path);
  }

  /** `a."b c".d`, up to the sign behind it. */
  private keys(): readonly { readonly key: string; readonly keyAt: number }[] {
    const keys: { key: string; keyAt: number }[] = [];
    for (;;) {
      this.skip(INLINE_BLANK);
      const keyAt = this.at;
      const quoted = this.skip(STRING);
      keys.push({ key: quoted === "" ? this.skip(BARE_KEY) : decoded(quoted), keyAt });
      this.skip(INLINE_BLANK);
      if (this.text[this.at] !== ".") return keys;
      this.at += 1;
    }
  }

  private value(path: Path): void {
    const sign = this.text[this.at];
    if (sign === "[") this.members("]", (index) => this.element([...path, index]));
    else if (sign === "{") this.members("}", () => this.keyValue(path));
    else if (this.skip(STRING) === "") this.skip(BARE_VALUE);
  }

  private element(path: Path): void {
    this.note(path, this.at, this.at);
    this.value(path);
  }

  /** What stands between brackets, with commas between and perhaps behind. */
  private members(close: string, member: (index: number) => void): void {
    this.at += 1;
    for (let index = 0; ; index += 1) {
      this.skip(BLANK);
      if (this.at >= this.text.length) return;
      if (this.text[this.at] === close) break;
      member(index);
      this.skip(BLANK);
      if (this.text[this.at] === ",") this.at += 1;
    }
    this.at += 1;
  }

  private note(path: Path, keyAt: number, valueAt: number): void {
    const name = JSON.stringify(path);
    if (!this.places.has(name)) this.places.set(name, { keyAt, valueAt });
  }

  private skip(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }
}

const ESCAPE = /\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[ \t]*\r?\n[ \t\r\n]*|[^])/y;

/** Where the character `index` of a string value stands in the text; the string's length gives its closing quote. */
export function indexInString(text: string, valueAt: number, index: number): number {
  const quote = text[valueAt] ?? "";
  const isMultiline = text.startsWith(quote.repeat(3), valueAt);
  let at = valueAt + (isMultiline ? 3 : 1);
  if (isMultiline && text[at] === "\r") at += 1;
  if (isMultiline && text[at] === "\n") at += 1;
  if (quote === "'") return at + index;
  for (let passed = 0; ;) {
    const escape = text[at] === "\\" ? escapeAt(text, at) : undefined;
    const units = escape === undefined ? 1 : unitsOf(escape);
    if (passed + units > index) return at;
    passed += units;
    at += escape?.length ?? 1;
  }
}

function escapeAt(text: string, at: number): string {
  ESCAPE.lastIndex = at;
  return ESCAPE.exec(text)?.[0] ?? "\\";
}

/** UTF-16 units that an escape stands for: none when it swallows the end of a line. */
function unitsOf(escape: string): number {
  if (/^\\\s/.test(escape)) return 0;
  return escape[1] === "U" && parseInt(escape.slice(2), 16) > 0xffff ? 2 : 1;
}

/** A quoted key, which is always on one line. */
function decoded(quoted: string): string {
  if (quoted.startsWith("'")) return quoted.slice(1, -1);
  return quoted.slice(1, -1).replace(/\\(?:x(..)|u(....)|U(.{8})|(.))/g, (_, ...found: (string | undefined)[]) => {
    const hex = found[0] ?? found[1] ?? found[2];
    if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
    return SHORT_ESCAPES[found[3] ?? ""] ?? found[3] ?? "";
  });
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  b: "\b",
  t: "\t",
  n: "\n",
  f: "\f",
  r: "\r",
  e: "\u001b",
};
