import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import { positionAt } from "../position.ts";
import { indexInString, Locator, type Path } from "./locate.ts";

const TEXT = `# [not.a.table]
a = 1 # b = 2
"quoted [key]" = 'x # y'
dotted . deep . "er" = "\\" ] # "
list = [
  1, # , 2
  [ 'in]ner', 3 ],
  { x = 1, y.z = [ 4 ] },
]
date = 1979-05-27 07:32:00
multi = """
]] "" \\"""
"""
raw = '''
' [x]
''''
[table]
inner = {}
[table.sub."dotted.name"]
k = true
[[rows]]
n = 1
[rows.more]
m = 1
[[rows]]
n = 2
[[rows.cells]]
c = 1
[[rows.cells]]
c = 2
`;

/** Line and column of a key, and of its value. */
function placeOf(path: Path): string {
  const { keyAt, valueAt } = new Locator(TEXT).find(path);
  const [key, value] = [positionAt(TEXT, keyAt), positionAt(TEXT, valueAt)];
  return `${key.line}:${key.column} ${value.line}:${value.column}`;
}

describe("Locator", () => {
  test("is tried on a text that is TOML", () => {
    expect(parse(TEXT)).toHaveProperty("rows.1.cells.1.c", 2);
  });

  test.each<[Path, string]>([
    [["a"], "2:1 2:5"],
    [["quoted [key]"], "3:1 3:18"],
    [["dotted"], "4:1 4:24"],
    [["dotted", "deep", "er"], "4:17 4:24"],
    [["list"], "5:1 5:8"],
    [["list", 0], "6:3 6:3"],
    [["list", 1], "7:3 7:3"],
    [["list", 1, 1], "7:15 7:15"],
    [["list", 2, "x"], "8:5 8:9"],
    [["list", 2, "y", "z", 0], "8:20 8:20"],
    [["date"], "10:1 10:8"],
    [["multi"], "11:1 11:9"],
    [["raw"], "14:1 14:7"],
    [["table"], "17:1 17:1"],
    [["table", "inner"], "18:1 18:9"],
    [["table", "sub", "dotted.name", "k"], "20:1 20:5"],
    [["rows"], "21:1 21:1"],
    [["rows", 0], "21:1 21:1"],
    [["rows", 0, "n"], "22:1 22:5"],
    [["rows", 0, "more", "m"], "24:1 24:5"],
    [["rows", 1], "25:1 25:1"],
    [["rows", 1, "n"], "26:1 26:5"],
    [["rows", 1, "cells", 0, "c"], "28:1 28:5"],
    [["rows", 1, "cells", 1, "c"], "30:1 30:5"],
  ])("finds %j at %s", (path, place) => {
    expect(placeOf(path)).toBe(place);
  });

  test("gives for what is not there the nearest thing around it", () => {
    expect(placeOf(["rows", 1, "name"])).toBe("25:1 25:1");
    expect(placeOf(["list", 9])).toBe("5:1 5:8");
    expect(placeOf(["nothing"])).toBe("1:1 1:1");
  });

  test("finds every value of any list of texts, however it is written", () => {
    const anyText = fc.string({ unit: fc.constantFrom(..."a#'\"[]{},=\\\n\t é".split("")) });
    fc.assert(
      fc.property(fc.array(anyText), fc.constantFrom("", " # ]\n", "\n\n"), (texts, blank) => {
        const toml = `x = [${texts.map((text) => `${blank}${JSON.stringify(text)}${blank},`).join("")}]\ny = 1`;
        expect(parse(toml)).toEqual(parse(`x = ${JSON.stringify(texts)}\ny = 1`));
        const locator = new Locator(toml);
        for (const [index, text] of texts.entries()) {
          expect(toml.startsWith(JSON.stringify(text), locator.find(["x", index]).valueAt)).toBeTrue();
        }
        expect(locator.find(["y"]).keyAt).toBe(toml.length - 5);
      }),
    );
  });
});

describe("indexInString()", () => {
  const anyPlain = fc.string({ unit: fc.constantFrom(...("ab =é😀".match(/./gu) ?? [])), maxLength: 4 });
  /** A piece of a basic string and the text that it stands for. */
  const anyPiece = fc.oneof(
    anyPlain.map((text) => [text, text] as const),
    fc.constantFrom(
      ["\\n", "\n"] as const,
      ['\\"', '"'] as const,
      ["\\\\", "\\"] as const,
      ["\\u00e9", "é"] as const,
      ["\\U0001f600", "😀"] as const,
      ["\\x41", "A"] as const,
    ),
  );

  test("finds each plain character of a one-line string, escapes before it or not", () => {
    fc.assert(
      fc.property(fc.array(anyPiece), (pieces) => {
        expectPlaces(`key = "${pieces.map(([source]) => source).join("")}"`);
      }),
    );
  });

  test("finds them in strings of several lines, swallowed line ends or not", () => {
    const anyLine = fc.constantFrom(["\n", "\n"] as const, ["\r\n", "\r\n"] as const, ["\\\n  \n ", ""] as const);
    const anyPieces = fc.array(
      fc.oneof(
        anyPlain.map((text) => [`${text}|`, `${text}|`] as const),
        anyPiece,
        anyLine,
      ),
    );
    fc.assert(
      fc.property(anyPieces, fc.constantFrom("", "\n", "\r\n"), (pieces, first) => {
        // A newline right behind the quotes is not part of the string.
        const source = pieces.map(([written]) => written).join("");
        const toml = `key = """${first}|${source}"""`;
        expectPlaces(toml);
      }),
    );
  });

  test("finds them in literal strings", () => {
    const text = "key = '''\na\\b\nc'''";
    expect([0, 1, 2, 4].map((index) => text[indexInString(text, 6, index)])).toEqual(["a", "\\", "b", "c"]);
    expect(indexInString("k = 'abc'", 4, 2)).toBe(7);
  });

  /** Every character that is written as itself is found where it stands; the end is the closing quote. */
  function expectPlaces(toml: string): void {
    const text = parse(toml)["key"];
    if (typeof text !== "string") throw new Error("the value is no text");
    const valueAt = toml.indexOf('"');
    for (let index = 0; index < text.length; index += 1) {
      const character = toml[indexInString(toml, valueAt, index)];
      if (character !== "\\" && character !== undefined && !/[\ud800-\udfff]/.test(character)) {
        expect(character).toBe(text[index] ?? "");
      }
    }
    expect(toml.slice(indexInString(toml, valueAt, text.length))).toMatch(/^"{1,3}$/);
  }
});
