// A recommendation put into a profile's text. What stands there stays octet for octet; the rules stand at its end,
// between two lines of comment, and a later probe puts its own in their place.
import { defaultProfile, fileLoader, parseProfile, printStrategy, type Profile } from "@bunnel/profile";
import { chmodSync, renameSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { ExitError } from "../service/exit.ts";
import { ruleLines } from "./report.ts";
import type { RecommendedRule } from "./search/recommend.ts";

const BEGIN = "# What `bunnel probe` found. Written by it: the next one puts its own in this place.";
const END = "# The end of what `bunnel probe` found.";
const BLOCK = new RegExp(`\n*${escaped(BEGIN)}\n[^]*?${escaped(END)}\n?`, "u");
const RULE_NAME = "probe";
/** Where a rule of the same name is somebody's own. */
const NAMES_MAX = 100;

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`);
}

/**
 * The text with the rules in it. They go before all others that it has; a text without rules means the built-in one,
 * which is then written out behind them.
 * @throws ProfileError when the text was wrong before, ExitError when no rule can be put into it
 */
export function withRules(
  text: string,
  rules: readonly RecommendedRule[],
  load?: (path: string) => Uint8Array,
): string {
  const options = load === undefined ? {} : { load };
  const before = text.replace(BLOCK, "");
  const profile = parseProfile(before, options);
  const hasRules = /^\s*\[\[\s*rule\s*\]\]/mu.test(before);
  if (!hasRules && profile.rules.length === 0) {
    throw new ExitError("profile: it has `rule = []`, no rule at all; take that line out first");
  }
  const priority = Math.max(0, ...profile.rules.map((rule) => rule.priority)) + 1;
  const block = blockOf(profile, rules, { priority, hasRules });
  const body = before.replace(/\n*$/u, "\n");
  const next = rules.length === 0 ? before : `${before === "" ? "" : `${body}\n`}${block}`;
  const after = parseProfile(next, options);
  const kept = after.rules.filter(({ name }) => profile.rules.some((rule) => rule.name === name));
  if (!Bun.deepEquals(kept, profile.rules))
    throw new ExitError("profile: the rules that it has would not stay the same");
  return next;
}

interface Place {
  readonly priority: number;
  readonly hasRules: boolean;
}

function blockOf(profile: Profile, rules: readonly RecommendedRule[], { priority, hasRules }: Place): string {
  const taken = new Set(profile.rules.map(({ name }) => name));
  const lines = rules.flatMap((rule) => {
    const name = freeName(taken);
    taken.add(name);
    const [head = "", ...rest] = ruleLines(rule, name);
    return [head, ...rest, `priority = ${priority}`, ""];
  });
  const builtIn = defaultProfile().rules.flatMap(({ name, preset, strategy }) => {
    const own = preset === undefined ? printStrategy(strategy) : `preset:${preset}`;
    return ["[[rule]]", `name = ${JSON.stringify(name)}`, `strategy = ${JSON.stringify(own)}`, ""];
  });
  return [BEGIN, ...lines, ...(hasRules ? [] : builtIn), END, ""].join("\n");
}

function freeName(taken: ReadonlySet<string>): string {
  for (let count = 1; count < NAMES_MAX; count++) {
    const name = count === 1 ? RULE_NAME : `${RULE_NAME} ${count}`;
    if (!taken.has(name)) return name;
  }
  throw new ExitError("profile: it has too many rules of earlier probes");
}

/** Puts the rules into the file, whole or not at all; a file that is not there is made. @throws as `withRules` */
export async function writeRules(path: string, rules: readonly RecommendedRule[]): Promise<void> {
  const file = Bun.file(path);
  const isThere = await file.exists();
  const text = isThere ? await file.text() : "";
  const next = withRules(text, rules, fileLoader(resolve(path)));
  const beside = `${path}.${process.pid}.new`;
  writeFileSync(beside, next);
  // An editor's rights stay what they were.
  if (isThere) chmodSync(beside, statSync(path).mode & 0o7777);
  renameSync(beside, path);
}
