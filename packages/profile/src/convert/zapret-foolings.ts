// What zapret does to fakes, so that the server does not read them.
import type { Draft } from "./draft.ts";
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
    const found = value.split(",").flatMap((word) => {
      if (word === "badseq" && increment?.value !== undefined) return [badseq(increment.value)];
      if (word === "ts" && stamp?.value !== undefined) return [`ts=${stamp.value}`];
      return Object.hasOwn(WORDS, word) ? (WORDS[word] ?? []) : [];
    });
    words.push(...found);
    if (found.length > 0) draft.became(text, found.join(", "));
    else draft.lost(text, value === "none" ? "it says nothing" : "no fake is damaged like that here");
  }
  for (const { text, value } of [increment, stamp].flatMap((option) => option ?? [])) {
    draft.became(text, `a number beside the fooling: ${value}`);
  }
  for (const { text, value = "" } of taken(said, "dpi-desync-ttl")) {
    if (value === "0") draft.lost(text, "it says nothing");
    else addFooling(draft, words, text, `ttl=${value}`);
  }
  for (const { text, value = "" } of taken(said, "dpi-desync-autottl")) {
    const [, delta = "-1", from = "3", to = "20"] = /^([+-]?\d+)?(?::(\d+)-(\d+))?$/u.exec(value) ?? [];
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

/** The notation takes what lies behind the window by 10000 at least. */
function badseq(value: string): string {
  const increment = Number(value);
  return increment <= -10_000 ? `badseq=${increment}` : "badseq";
}
