// What zapret does to fakes, so that the server does not read them.
import { BADSEQ, TS } from "../notation/content.ts";
import type { Range } from "../notation/parameters.ts";
import type { Draft } from "./draft.ts";
import type { Option } from "./words.ts";
import { taken, type Said } from "./zapret-options.ts";

/** Parameters of the notation that every fake of a profile gets. */
export interface Foolings {
  readonly words: readonly string[];
  readonly repeats: readonly string[];
}

const WORDS: Readonly<Record<string, string>> = {
  ...{ md5sig: "md5sig", badsum: "badsum", badseq: "badseq", datanoack: "datanoack", ts: "ts" },
};

export function foolingsOf(draft: Draft, said: Said): Foolings {
  const words: string[] = [];
  const [increment] = taken(said, "dpi-desync-badseq-increment");
  const [stamp] = taken(said, "dpi-desync-ts-increment");
  for (const { text, value = "" } of taken(said, "dpi-desync-fooling")) {
    const asked = value.split(",");
    const found = asked.flatMap((word) => {
      if (word === "badseq") return [numbered("badseq", BADSEQ, increment?.value)];
      if (word === "ts") return [numbered("ts", TS, stamp?.value)];
      return Object.hasOwn(WORDS, word) ? (WORDS[word] ?? []) : [];
    });
    words.push(...found);
    const left = asked.filter((word) => !Object.hasOwn(WORDS, word));
    if (found.length > 0)
      draft.became(text, found.join(", "), left.length > 0 ? `without ${left.join(", ")}` : undefined);
    else draft.lost(text, value === "none" ? "it says nothing" : "no fake is damaged like that here");
  }
  if (increment) tellNumber(draft, words, increment, "badseq", BADSEQ);
  if (stamp) tellNumber(draft, words, stamp, "ts", TS);
  for (const { text, value = "" } of taken(said, "dpi-desync-ttl")) {
    if (value === "0") draft.lost(text, "it says nothing");
    else addFooling(draft, words, text, `ttl=${value}`);
  }
  for (const { text, value = "" } of taken(said, "dpi-desync-autottl")) {
    const form = /^([+-]?\d+)?(?::(\d+)-(\d+))?$/u.exec(value);
    if (form === null) {
      draft.lost(text, "expected a delta such as -1, or -1:3-20");
      continue;
    }
    const [, delta = "-1", from = "3", to = "20"] = form;
    addFooling(draft, words, text, `ttl=auto${/^[+-]/u.test(delta) ? delta : `-${delta}`}:${from}-${to}`);
  }
  for (const { text } of taken(said, "dpi-desync-ttl6", "dpi-desync-autottl6", "dpi-desync-badack-increment")) {
    draft.lost(text, "both families and both numbers have one setting");
  }
  const [times] = taken(said, "dpi-desync-repeats");
  const count = Math.min(20, Math.max(1, Number(times?.value ?? 1) || 1));
  if (times) draft.became(times.text, `x${count} of each fake`);
  return { words, repeats: count > 1 ? [`x${count}`] : [] };
}

function addFooling(draft: Draft, words: string[], option: string, word: string): void {
  words.push(word);
  draft.became(option, word);
}

/** The fooling with its number, where a server discards what has that. */
function numbered(word: string, range: Range, value: string | undefined): string {
  return isWithin(range, value) ? `${word}=${Number(value)}` : word;
}

/** What became of the option that gives a fooling its number. */
function tellNumber(draft: Draft, words: readonly string[], option: Option, word: string, range: Range): void {
  const { text, value } = option;
  const used = words.find((each) => each === word || each.startsWith(`${word}=`));
  if (used === undefined) draft.lost(text, `it says nothing without ${word}`);
  else if (used !== word) draft.became(text, used);
  else draft.lost(text, `${word} takes ${range.min} to ${range.max}: with ${value} a server could read the fake`);
}

function isWithin({ min, max }: Range, value = ""): boolean {
  return /^[+-]?\d+$/u.test(value) && Number(value) >= min && Number(value) <= max;
}
