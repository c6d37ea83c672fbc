// Characters to tokens. A word is everything between blanks and signs, so that `midsld-2` and `www.example.org` are
// one each. A colon ends the kind of a clause; within parentheses, as in `ttl=auto-1:3-20`, it belongs to the word.

/** The signs of the notation. */
export type Sign = "(" | ")" | "," | "=" | ":" | ";";

export interface Token {
  readonly kind: "word" | "end" | Sign;
  readonly text: string;
  /** Where it starts in the text. */
  readonly index: number;
}

/** A newline is a blank like any other: a clause starts where a word and a colon stand. */
const OUTSIDE = /[ \t\r\n]+|[(),=:;]|[^ \t\r\n(),=:;]+/y;
const INSIDE = /[ \t\r\n]+|[(),=;]|[^ \t\r\n(),=;]+/y;
const SIGNS: ReadonlySet<string> = new Set(["(", ")", ",", "=", ":", ";"]);

/** All tokens of the text; the last is always "end". Never fails: what makes no sense is a word that nobody knows. */
export function lex(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let isInside = false;
  for (let index = 0; index < text.length;) {
    const pattern = isInside ? INSIDE : OUTSIDE;
    pattern.lastIndex = index;
    const found = pattern.exec(text)?.[0] ?? "";
    if (isSign(found)) tokens.push({ kind: found, text: found, index });
    else if (found.trim() !== "") tokens.push({ kind: "word", text: found, index });
    if (found === "(") isInside = true;
    if (found === ")") isInside = false;
    index += found.length;
  }
  tokens.push({ kind: "end", text: "", index: text.length });
  return tokens;
}

function isSign(text: string): text is Sign {
  return SIGNS.has(text);
}
