// Characters to tokens. A word is everything between blanks and signs, so that `midsld-2` and `www.example.org` are
// one each.

/** The signs of the notation. */
export type Sign = "(" | ")" | "," | "=" | ":" | ";";

export interface Token {
  readonly kind: "word" | "end" | Sign;
  readonly text: string;
  /** Where it starts in the text. */
  readonly index: number;
}

/** A newline is a blank like any other: a clause starts where a word and a colon stand. */
const TOKEN = /[ \t\r\n]+|[(),=:;]|[^ \t\r\n(),=:;]+/g;
const SIGNS: ReadonlySet<string> = new Set(["(", ")", ",", "=", ":", ";"]);

/** All tokens of the text; the last is always "end". Never fails: what makes no sense is a word that nobody knows. */
export function lex(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (const { 0: found, index } of text.matchAll(TOKEN)) {
    if (isSign(found)) tokens.push({ kind: found, text: found, index });
    else if (found.trim() !== "") tokens.push({ kind: "word", text: found, index });
  }
  tokens.push({ kind: "end", text: "", index: text.length });
  return tokens;
}

function isSign(text: string): text is Sign {
  return SIGNS.has(text);
}
