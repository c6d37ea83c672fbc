// The properties of the notation are worth as much as what is drawn for them: every word of it is drawn, and every word
// is told apart from what only resembles it.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { anyWrittenStrategy } from "../../test/arbitrary-strategy.ts";
import { ProfileError } from "../errors.ts";
import { positionAt } from "../position.ts";
import { parseStrategy } from "./checker.ts";
import { KINDS, MARKERS, type Kind } from "./kinds.ts";
import { Scope } from "./parameters.ts";
import { parseTree } from "./parser.ts";
import { printStrategy } from "./printer.ts";
import { READERS } from "./reading.ts";
import type { Token } from "./lexer.ts";
import { type TechniqueName } from "./strategy.ts";
import { techniquesOf } from "./techniques.ts";

setDefaultTimeout(60_000);

const SEED = 20261121;
const DRAWN = 2500;

/** Words of the parameters that a technique has for a kind. */
function parameterWords(technique: TechniqueName, kind: Kind): readonly string[] {
  if (technique === "disorder") return [];
  const word = { kind: "word", text: technique, index: 0 } as const;
  return READERS[technique](new Scope("", kind, { word })).parameters.flatMap((parameter) => parameter.word ?? []);
}

/** Every word that stands in a text, each with where it belongs: "tls", "tls fake", "tls fake ttl". */
function wordsIn(text: string): readonly (readonly [place: string, token: Token])[] {
  return parseTree(text).clauses.flatMap(({ kind, operations }) => [
    [kind.text, kind] as const,
    ...operations.flatMap((operation) => [
      [`${kind.text} ${operation.word.text}`, operation.word] as const,
      ...(operation.arguments ?? []).map(
        ({ word }) =>
          [`${kind.text} ${operation.word.text} ${/^x\d+$/.test(word.text) ? "x" : word.text}`, word] as const,
      ),
    ]),
  ]);
}

test("strategies of every technique with every parameter are drawn, printed, and read back", () => {
  const seen = new Set<string>();
  for (const strategy of fc.sample(anyWrittenStrategy, { numRuns: DRAWN, seed: SEED })) {
    const text = printStrategy(strategy);
    expect(parseStrategy(text)).toEqual(strategy);
    for (const [place] of wordsIn(text)) seen.add(place);
  }
  const missing = KINDS.flatMap((kind) =>
    techniquesOf(kind).flatMap((technique) =>
      [`${kind} ${technique}`, ...parameterWords(technique, kind).map((word) => `${kind} ${technique} ${word}`)].filter(
        (place) => !seen.has(place),
      ),
    ),
  );
  expect(missing).toEqual([]);
});

describe("a slip in a word", () => {
  const known = new Set<string>([...MARKERS, ...KINDS, ...KINDS.flatMap(techniquesOf)]);
  for (const kind of KINDS) {
    for (const technique of techniquesOf(kind)) for (const word of parameterWords(technique, kind)) known.add(word);
  }

  /** Words, not numbers: of a point its marker. */
  const slippable = (text: string): readonly Token[] =>
    wordsIn(text)
      .map(([, token]) => token)
      .filter(({ text: word }) => known.has(/^[a-z]+/.exec(word)?.[0] ?? ""));

  test("is told with the column of that word, as it was found, and with a word that may have been meant", () => {
    fc.assert(
      fc.property(
        anyWrittenStrategy,
        fc.nat(),
        fc.nat(),
        fc.constantFrom("q", "zz", "Q"),
        (strategy, which, where, slip) => {
          const text = printStrategy(strategy);
          const tokens = slippable(text);
          const token = tokens[which % Math.max(1, tokens.length)];
          fc.pre(token !== undefined);
          const letters = /^[a-z]+/.exec(token.text)?.[0].length ?? 0;
          const at = token.index + (where % (letters + 1));
          const wrong = text.slice(0, at) + slip + text.slice(at);
          const error = errorIn(wrong);
          const slipped = wrong.slice(token.index, token.index + letters + slip.length);
          expect({ ...error, wrong }).toMatchObject({ wrong, ...positionAt(wrong, token.index) });
          expect(error?.message).toContain(`found "${slipped}`);
          if (letters > 3 && slip.length === 1) expect(error?.message).toContain("(did you mean");
        },
      ),
      { numRuns: 2000 },
    );
  });
});

/** The one mistake that a text has. */
function errorIn(text: string): { line?: number; column?: number; message: string } | undefined {
  try {
    parseStrategy(text);
  } catch (error) {
    if (error instanceof ProfileError) return error.problems[0];
    throw error;
  }
  return undefined;
}
