// What a profile's values stand for, beyond themselves: strategies, payloads, files.
import { Fault, ProfileError } from "../errors.ts";
import { indexAt } from "../position.ts";
import { readPrefix } from "./address.ts";
import type { RuleParts } from "./build.ts";
import { readCertificates, type CertificatesFile } from "./dns-section.ts";
import type { Files } from "./files.ts";
import { readListFile } from "./list-file.ts";
import type { Path } from "./locate.ts";
import { findPayloads, readPayloadKey, readPayloadValue } from "./payloads.ts";
import type { ListFile, PayloadEntry } from "./profile.ts";
import { carriesFault, egressFaults } from "./rule-egress.ts";
import { readRuleStrategy, type RuleStrategy } from "./rule-strategy.ts";
import type { ScopeLists } from "./split-section.ts";
import { readHostLine } from "./values.ts";

export type Values = Readonly<Record<string, unknown>>;

/** Something that is wrong with a profile. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  /** What the position points at. Default "value". */
  readonly at?: "key";
  /** The character of a string value that is wrong. */
  readonly index?: number;
}

/** Reads parts and keeps what is wrong with them. */
export class PartReader {
  readonly findings: Finding[] = [];
  readonly payloads = new Map<string, PayloadEntry>();

  constructor(private readonly files: Files) {}

  /** The entries of `[payload]`. */
  readPayloads(table: Values): void {
    for (const [key, value] of Object.entries(table)) {
      const path = ["payload", key];
      const name = readPayloadKey(key);
      if (name instanceof Fault) this.findings.push({ path, message: name.text, at: "key" });
      const entry = readPayloadValue(value, this.files);
      if (entry instanceof Fault) this.findings.push({ path, message: entry.text });
      else this.payloads.set(key, entry);
    }
  }

  /** The certificates that `[dns]` names. */
  readCertificates(section: unknown): CertificatesFile | undefined {
    const found = readCertificates(section, this.files);
    if (!(found instanceof Fault)) return found;
    this.findings.push({ path: ["dns", "certificates_file"], message: found.text });
    return undefined;
  }

  /** What the values of one rule stand for; payloads come before. */
  readRule(rule: Values, index: number): RuleParts {
    const strategy = this.strategy(rule["strategy"], ["rule", index, "strategy"], rule["egress"]);
    const fault = strategy && carriesFault(strategy.strategy, rule["egress"], rule["carries"]);
    if (fault !== undefined) this.findings.push({ path: ["rule", index, "carries"], message: fault });
    return { ...(strategy && { strategy }), ...this.readLists(rule, ["rule", index]) };
  }

  /** The files of hosts and addresses that a table names. */
  readLists(table: Values, place: Path): ScopeLists {
    const hostsFile = this.list(table["hosts_file"], [...place, "hosts_file"], readHostLine);
    const addressesFile = this.list(table["addresses_file"], [...place, "addresses_file"], readPrefix);
    return { ...(hostsFile && { hostsFile }), ...(addressesFile && { addressesFile }) };
  }

  private strategy(text: unknown, path: Path, egress: unknown): RuleStrategy | undefined {
    if (typeof text !== "string") return undefined;
    try {
      const read = readRuleStrategy(text);
      for (const { name, text: message } of findPayloads(read.strategy, this.payloads, this.files)) {
        this.findings.push({ path, message, index: Math.max(0, text.indexOf(name)) });
      }
      for (const { text: message, word } of egressFaults(read.strategy, egress)) {
        this.findings.push({ path, message, index: Math.max(0, text.indexOf(word)) });
      }
      return read;
    } catch (error) {
      if (!(error instanceof ProfileError)) throw error;
      const { message, line = 1, column = 1 } = error.problems[0];
      // The path says "strategy" already.
      const short = message.replace(/^strategy: /, "");
      this.findings.push({ path, message: short, index: indexAt(text, { line, column }) });
      return undefined;
    }
  }

  private list(path: unknown, place: Path, readEntry: (text: string) => string | Fault): ListFile | undefined {
    if (typeof path !== "string" || path === "") return undefined;
    const list = readListFile(this.files, path, readEntry);
    if (!(list instanceof Fault)) return list;
    this.findings.push({ path: place, message: list.text });
    return undefined;
  }
}
