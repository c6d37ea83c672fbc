// A profile text to a checked, frozen profile, or to everything that is wrong with it.
//
//   1. TOML to values; a text that is no TOML ends here
//   2. unknown keys, wrong values, and what is wrong with strategies, payloads and files are all collected
//   3. each gets its line and column; or, with none found, the profile is built
import { parse as parseToml, TomlError } from "smol-toml";
import * as v from "valibot";
import { ProfileError, type ProfileProblem } from "../errors.ts";
import { deepFreeze } from "../freeze.ts";
import { positionAt } from "../position.ts";
import { shown } from "../wording.ts";
import { buildProfile, type RuleParts } from "./build.ts";
import { fileLoader, Files, type FileLoader } from "./files.ts";
import { indexInString, Locator, type Path } from "./locate.ts";
import type { Profile } from "./profile.ts";
import { PartReader, type Finding, type Values } from "./read-parts.ts";
import { profileSchema } from "./schema.ts";
import { proxyFaults } from "./stream-settings.ts";
import { unknownKeys } from "./unknown-keys.ts";

/** Where the text comes from. */
export interface ParseOptions {
  /** What error messages call the text: a file's path. Default "profile". */
  readonly source?: string;
  /** Gives the files that the profile names. Default: reads them, from the directory of `source` on. */
  readonly load?: FileLoader;
}

/**
 * Reads a profile. What the text leaves out has its default.
 * @throws ProfileError E_PROFILE_SYNTAX when the text is not TOML, with the place of the first error
 * @throws ProfileError E_PROFILE with every unknown key and every wrong value, each with its place, and every file that
 * cannot be read or has wrong lines
 */
export function parseProfile(text: string, options: ParseOptions = {}): Profile {
  const source = options.source ?? "profile";
  const values = readToml(text, source);
  const result = v.safeParse(profileSchema, values, { abortPipeEarly: true });
  const reader = new PartReader(new Files(options.load ?? fileLoader(source)));
  if (isTable(values["payload"])) reader.readPayloads(values["payload"]);
  const certificates = reader.readCertificates(values["dns"]);
  const parts = ruleTables(values).map((rule, index) => reader.readRule(rule ?? {}, index));
  const lists = {
    include: reader.readLists(tableOf(values["include"]), ["include"]),
    exclude: reader.readLists(tableOf(values["exclude"]), ["exclude"]),
  };
  const findings: readonly Finding[] = [
    ...unknownKeys(values).map((unknown) => ({ ...unknown, at: "key" as const })),
    ...(result.issues ?? []).map(({ path, message }) => ({ path: pathOf(path ?? []), message })),
    ...checkRuleNames(values),
    ...(result.success ? checkDelays(result.output.limits.max_jitter_ms, parts) : []),
    ...proxyFaults(values["proxy"] ?? {}).map(({ key, text: message }) => ({ path: ["proxy", key], message })),
    ...reader.findings,
  ];
  if (!result.success || findings.length > 0) throw profileError(text, source, values, findings);
  return deepFreeze(buildProfile(result.output, reader.payloads, parts, lists, certificates));
}

function readToml(text: string, source: string): Values {
  try {
    return parseToml(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const { line, column } = cause;
    // The library's message is a prefix, the reason, and an excerpt of the text in further lines.
    const reason = cause.message.split("\n", 1)[0]?.replace(/^Invalid TOML document: /, "") ?? "";
    throw new ProfileError("E_PROFILE_SYNTAX", [{ message: `not TOML: ${reason}`, line, column }], source, { cause });
  }
}

function pathOf(items: readonly { readonly key: unknown }[]): Path {
  return items.map(({ key }) => (typeof key === "number" ? key : String(key)));
}

/** The tables of `[[rule]]`, as far as they are tables. */
function ruleTables(values: Values): readonly (Values | undefined)[] {
  const rules = values["rule"];
  if (!Array.isArray(rules)) return [];
  return rules.map((rule: unknown) => (isTable(rule) ? rule : undefined));
}

function isTable(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function tableOf(value: unknown): Values {
  return isTable(value) ? value : {};
}

/** Delays above the limit of the profile. */
function checkDelays(mostMs: number, parts: readonly RuleParts[]): readonly Finding[] {
  return parts.flatMap(({ strategy }, index) => {
    const operations = strategy?.strategy.clauses.flatMap((clause) => clause.operations) ?? [];
    const longest = Math.max(
      0,
      ...operations.map((each) => (each.technique === "delay" ? each.ms + each.jitterMs : 0)),
    );
    if (longest <= mostMs) return [];
    const message = `delay: expected at most ${mostMs} ms with its jitter (limits.max_jitter_ms), found ${longest}`;
    return [{ path: ["rule", index, "strategy"], message }];
  });
}

function checkRuleNames(values: Values): readonly Finding[] {
  const names = new Set<string>();
  const findings: Finding[] = [];
  for (const [index, rule] of ruleTables(values).entries()) {
    const name = rule?.["name"];
    if (typeof name !== "string") continue;
    if (names.has(name)) {
      const message = `expected a name that no other rule has, found ${shown(name)} a second time`;
      findings.push({ path: ["rule", index, "name"], message });
    }
    names.add(name);
  }
  return findings;
}

function profileError(text: string, source: string, values: Values, findings: readonly Finding[]): ProfileError {
  const locator = new Locator(text);
  const placed = findings.map((finding) => {
    const { keyAt, valueAt } = locator.find(finding.path);
    const index = finding.index === undefined ? valueAt : indexInString(text, valueAt, finding.index);
    const message = `${thingAt(values, finding.path)}: ${finding.message}`;
    return { message, index: finding.at === "key" ? keyAt : index };
  });
  placed.sort((a, b) => a.index - b.index);
  const [first, ...rest] = placed.map(({ message, index }): ProfileProblem => ({
    message,
    ...positionAt(text, index),
  }));
  return new ProfileError("E_PROFILE", [first ?? { message: "profile: expected values that fit" }, ...rest], source);
}

/** What a message calls a path: `device.mtu`, `rule "video": ports entry 2`. */
function thingAt(values: Values, path: Path): string {
  const [section, index] = path;
  if (section !== "rule" || typeof index !== "number") return named(path);
  const name = ruleTables(values)[index]?.["name"];
  const rule = typeof name === "string" && name !== "" ? `rule ${shown(name)}` : `rule ${index + 1}`;
  return path.length === 2 ? rule : `${rule}: ${named(path.slice(2))}`;
}

function named(path: Path): string {
  return path.reduce<string>((thing, part) => {
    if (typeof part === "number") return `${thing} entry ${part + 1}`;
    return thing === "" ? part : `${thing}.${part}`;
  }, "");
}
