// docs/strategies.md says what the notation has: no word more, no word less.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseStrategy, printStrategy, strategies } from "../src/index.ts";
import { KINDS, MARKERS } from "../src/notation/kinds.ts";
import { Scope } from "../src/notation/parameters.ts";
import { READERS } from "../src/notation/reading.ts";
import type { TechniqueName } from "../src/notation/strategy.ts";
import { ALIASES, ALL_TECHNIQUE_KINDS as TECHNIQUE_KINDS, STREAM_TECHNIQUE_KINDS } from "../src/notation/techniques.ts";

const PAGE = readFileSync(join(import.meta.dir, "../../../docs/strategies.md"), "utf8");

/** The cells of each row under a heading. */
function rowsUnder(heading: string): readonly (readonly string[])[] {
  const [, section = ""] = `\n${PAGE}`.split(`\n${heading}\n`);
  const [table = ""] = section.split(/\n#/, 1);
  return [...table.matchAll(/^\| (.*) \|$/gm)].map(([, row = ""]) => row.split(/ ?\| ?/)).slice(1);
}

/** The words and signs in code marks. */
function codeWords(text: string): readonly string[] {
  const prose = text.replace(/```.*?```/gs, "");
  return [...prose.matchAll(/`([^`]+)`/g)].flatMap(([, code = ""]) => code.match(/[a-z0-9]+/gi) ?? []);
}

/** Every word that some parameter of a technique starts with. */
function parameterWords(technique: TechniqueName): readonly string[] {
  if (technique === "disorder") return [];
  const token = { kind: "word", text: technique, index: 0 } as const;
  return TECHNIQUE_KINDS[technique].flatMap((kind) =>
    READERS[technique](new Scope("", kind, { word: token })).parameters.flatMap(({ word }) => word ?? []),
  );
}

const TECHNIQUES = Object.keys(TECHNIQUE_KINDS) as readonly TechniqueName[];
const SHARED = codeWords(PAGE.slice(PAGE.indexOf("### Decoys"), PAGE.indexOf("## More examples")));

describe("docs/strategies.md", () => {
  test("has a row for each technique, with the kinds that it is for, and for nothing else", () => {
    const rows = rowsUnder("## Techniques").map(
      ([technique = "", kinds = ""]) => `${codeWords(technique)[0]}: ${kinds}`,
    );
    const known = TECHNIQUES.map((technique) => `${technique}: ${TECHNIQUE_KINDS[technique].join(", ")}`);
    expect(rows.toSorted()).toEqual(known.toSorted());
  });

  test.each(TECHNIQUES)("says every parameter of %s", (technique) => {
    const row = rowsUnder("## Techniques").find(([cell = ""]) => codeWords(cell)[0] === technique) ?? [];
    const said = [...codeWords(row.join(" ")), ...SHARED];
    for (const word of parameterWords(technique)) expect(said).toContain(word);
  });

  test("names kinds, markers, other names, and what needs stream egress", () => {
    expect(rowsUnder("# Strategies").flatMap(([kind = ""]) => codeWords(kind))).toEqual([...KINDS]);
    expect(
      rowsUnder("## Points")
        .flatMap(([marker = ""]) => codeWords(marker))
        .toSorted(),
    ).toEqual(MARKERS.toSorted());
    const said = codeWords(PAGE);
    for (const word of [...Object.keys(ALIASES), ...Object.keys(STREAM_TECHNIQUE_KINDS)]) expect(said).toContain(word);
  });

  test("has examples and techniques that parse, and print to what parses to the same", () => {
    const lines = [...PAGE.matchAll(/```strategy\n(.*?)```/gs)].flatMap(([, block = ""]) => block.trim().split("\n"));
    const cells = rowsUnder("## Techniques").map(([technique = "", kinds = ""]) => {
      const text = technique.replaceAll("`", "");
      return `${kinds.split(",")[0]}: ${text === "disorder" ? "disorder(1)" : text}`;
    });
    expect(lines.length).toBeGreaterThan(15);
    for (const line of [...lines, ...cells]) {
      const strategy = parseStrategy(line);
      expect(parseStrategy(printStrategy(strategy))).toEqual(strategy);
    }
    const used = new Set(lines.flatMap((line) => line.match(/[a-z]+/g) ?? []));
    for (const technique of TECHNIQUES) expect(used).toContain(technique);
  });

  test("lists the strategies by name as they are", () => {
    const rows = strategies().map(({ name, version, about, source, leftOut = "" }) => {
      return `| \`${name}\` | ${version} | ${about} | ${source} | ${leftOut} |`;
    });
    expect(PAGE).toEndWith(`|---|---|---|---|---|\n${rows.join("\n")}\n`);
  });
});
