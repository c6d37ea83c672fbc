// Golden pages: Markdown that runs as written. Each ```packets block is a case:
//
//   in    a packet, in the words of `printPacket` and of packet-words.ts; several are sent one after another
//   rule  the strategy in force, in the notation of `@bunnel/profile`
//   out   a packet that leaves, in order; the words after "out" must stand in the packet's line in this order
//   reads what the endpoint reads: "it" (the default) the message itself, "same" an HTTP request of the same meaning,
//         "more" or "less" octets than were sent, "nothing"
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface GoldenCase {
  readonly page: string;
  readonly title: string;
  readonly line: number;
  readonly input: readonly string[];
  readonly rule: string;
  readonly output: readonly string[];
  readonly reads: string;
}

/** All cases of the pages in a folder. @throws Error naming page and line of a block that cannot be read */
export function readPages(folder: string): GoldenCase[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .toSorted()
    .flatMap((name) => readPage(name, readFileSync(join(folder, name), "utf8")));
}

function readPage(page: string, text: string): GoldenCase[] {
  const cases: GoldenCase[] = [];
  let title = "";
  let block: string[] | undefined;
  for (const [i, line] of text.split("\n").entries()) {
    if (block === undefined) {
      if (line.startsWith("## ")) title = line.slice(3);
      if (line === "```packets") block = [];
    } else if (line === "```") {
      cases.push(readBlock(page, title, i - block.length, block));
      block = undefined;
    } else block.push(line);
  }
  if (block !== undefined) throw new Error(`${page}: a packets block has no end`);
  return cases;
}

function readBlock(page: string, title: string, line: number, lines: readonly string[]): GoldenCase {
  const wordsOf = (key: string): string[] =>
    lines.filter((text) => text.startsWith(`${key} `)).map((text) => text.slice(key.length).trim());
  const [rule] = wordsOf("rule");
  const input = wordsOf("in");
  if (input.length === 0 || rule === undefined) {
    throw new Error(`${page}:${line}: expected a line "in" and a line "rule"`);
  }
  return { page, title, line, input, rule, output: wordsOf("out"), reads: wordsOf("reads")[0] ?? "it" };
}

/** Whether all words stand in the line, each as a word, in this order. */
export function hasWords(line: string, words: string): boolean {
  const found = line.split(" ");
  let at = 0;
  for (const word of words.split(/\s+/u)) {
    at = found.indexOf(word, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
