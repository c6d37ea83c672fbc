// needs root: a network namespace and a TUN device
// Every key of a profile acts: what it does is seen here, or a test is named that shows it.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Effects } from "./effect.ts";
import { SHOWN_ELSEWHERE } from "./elsewhere.ts";
import { profileKeys } from "./keys.ts";
import { liveEffects, observeBoth } from "./live-effects.ts";
import { RULE_EFFECTS } from "./rule-effects.ts";

setDefaultTimeout(120_000);

const ROOT = join(import.meta.dirname, "../..");
const LIVE: Effects = liveEffects(await observeBoth());
const EFFECTS: Effects = { ...RULE_EFFECTS, ...LIVE };

describe("every key of a profile acts", () => {
  test("each has an effect here or elsewhere, and none has two", () => {
    const shown = [...Object.keys(RULE_EFFECTS), ...Object.keys(LIVE), ...Object.keys(SHOWN_ELSEWHERE)];
    expect(shown.toSorted()).toEqual(profileKeys().toSorted());
  });

  test.each(Object.keys(EFFECTS))("%s", async (key) => {
    const effect = await EFFECTS[key]?.();
    expect(effect?.with).not.toEqual(effect?.without);
  });

  test.each(Object.entries(SHOWN_ELSEWHERE))("%s is shown elsewhere", (_key, [file, words]) => {
    expect(readFileSync(join(ROOT, file), "utf8")).toContain(words);
  });
});
