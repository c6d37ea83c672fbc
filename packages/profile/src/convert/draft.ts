// A profile under conversion: rules, settings, and for each option of the other program what it became, or why nothing.
import { parseStrategy } from "../notation/checker.ts";
import { KINDS, type Kind } from "../notation/kinds.ts";
import { ProfileError } from "../errors.ts";
import { quoted } from "../profile/print-words.ts";

/** What became of an option. */
export interface ConversionNote {
  /** As it was written. */
  readonly option: string;
  /** What stands for it now; absent: nothing does. */
  readonly became?: string;
  /** Why nothing does, or what is different. */
  readonly why?: string;
}

/** A rule under conversion. */
export interface DraftRule {
  name: string;
  readonly hosts: string[];
  hostsFile?: string;
  readonly addresses: string[];
  addressesFile?: string;
  readonly ports: string[];
  readonly families: string[];
  /** Techniques of each kind, in order. */
  readonly clauses: Map<Kind, string[]>;
  /** It leaves messages alone, before the others. */
  isPass: boolean;
  priority: number;
}

/** A rule with nothing in it. */
export function emptyRule(name: string): DraftRule {
  return {
    ...{ name, hosts: [], addresses: [], ports: [], families: [] },
    ...{ clauses: new Map(), isPass: false, priority: 0 },
  };
}

export class Draft {
  readonly notes: ConversionNote[] = [];
  readonly rules: DraftRule[] = [];
  readonly #settings = new Map<string, Map<string, string>>();
  readonly #payloads = new Map<string, string>();

  became(option: string, became: string, why?: string): void {
    this.notes.push({ option, became, ...(why !== undefined && { why }) });
  }

  lost(option: string, why: string): void {
    this.notes.push({ option, why });
  }

  /** A key of a section; `value` as TOML. */
  set(option: string, section: string, key: string, value: string): void {
    const keys = this.#settings.get(section) ?? new Map<string, string>();
    keys.set(key, value);
    this.#settings.set(section, keys);
    this.became(option, section === "" ? `${key} = ${value}` : `${section}.${key} = ${value}`);
  }

  /** The name of a payload that is a file or octets. */
  payload(value: string): string {
    if (/^0x[0-9a-f]+$/iu.test(value)) return `hex:${value.slice(2)}`;
    const path = value.replaceAll("\\", "/").replace(/^%[^%/]*%\/?/u, "");
    const stem = (path.split("/").at(-1) ?? path).replace(/\.\w+$/u, "").replaceAll(/[^\w-]/gu, "-");
    this.#payloads.set(stem, `file:${path}`);
    return stem;
  }

  /**
   * Adds techniques to the clauses of these kinds, as far as the notation has them there, and says what came of it.
   * True: at least one kind has them now.
   */
  technique(rule: DraftRule, kinds: readonly Kind[], text: string, option: string): boolean {
    const refused: string[] = [];
    const taken = kinds.filter((kind) => {
      const clause = [...(rule.clauses.get(kind) ?? []), text];
      const why = refusalOf(kind, clause.join(" "));
      if (why === undefined) rule.clauses.set(kind, clause);
      else refused.push(why);
      return why === undefined;
    });
    if (taken.length > 0) this.became(option, `${taken.join(", ")}: ${text}`);
    else this.lost(option, refused[0] ?? "there is no message that it is for");
    return taken.length > 0;
  }

  /** The profile, with what became of each option above it. */
  toToml(title: string): string {
    const settings = [...this.#settings].map(([section, keys]) => {
      const lines = [...keys].map(([key, value]) => `${key} = ${value}`);
      return section === "" ? lines.join("\n") : [`[${section}]`, ...lines].join("\n");
    });
    const payloads = [...this.#payloads].map(([name, value]) => `${quoted(name)} = ${quoted(value)}`);
    const rules = this.rules.filter((rule) => rule.isPass || rule.clauses.size > 0).map(ruleToml);
    const parts = [
      [`# ${title}`, ...this.notes.map(noteLine)].join("\n"),
      // Keys without a section come before all sections.
      [...settings.filter((text) => !text.startsWith("[")), "version = 1"].join("\n"),
      ...settings.filter((text) => text.startsWith("[")),
      ...(payloads.length > 0 ? [["[payload]", ...payloads].join("\n")] : []),
      ...(rules.length > 0 ? rules : []),
    ];
    const text =
      rules.length > 0 ? parts.join("\n\n") : parts.join("\n\n").replace("version = 1", "version = 1\nrule = []");
    return `${text}\n`;
  }
}

/** Why the notation does not have this; undefined: it does. */
function refusalOf(kind: Kind, clause: string): string | undefined {
  try {
    parseStrategy(`${kind}: ${clause}`);
    return undefined;
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    return error.problems[0].message.replace(/^strategy: /u, "");
  }
}

function noteLine({ option, became, why }: ConversionNote): string {
  const told = became === undefined ? `nothing: ${why}` : `${became}${why === undefined ? "" : ` (${why})`}`;
  return `#   ${option}  ->  ${told}`.replaceAll(/[\r\n]+/gu, " ");
}

function ruleToml(rule: DraftRule): string {
  const strategy = rule.isPass
    ? "pass"
    : KINDS.flatMap((kind) => {
        const clause = rule.clauses.get(kind);
        return clause === undefined ? [] : [`${kind}: ${clause.join(" ")}`];
      }).join("  ");
  const texts = (items: readonly string[]) => `[${items.map(quoted).join(", ")}]`;
  const ports = rule.ports.map((port) => (port.includes("-") ? quoted(port) : port));
  return [
    "[[rule]]",
    `name = ${quoted(rule.name)}`,
    ...(rule.priority === 0 ? [] : [`priority = ${rule.priority}`]),
    ...(rule.hosts.length > 0 ? [`hosts = ${texts(rule.hosts)}`] : []),
    ...(rule.hostsFile === undefined ? [] : [`hosts_file = ${quoted(rule.hostsFile)}`]),
    ...(rule.addresses.length > 0 ? [`addresses = ${texts(rule.addresses)}`] : []),
    ...(rule.addressesFile === undefined ? [] : [`addresses_file = ${quoted(rule.addressesFile)}`]),
    ...(ports.length > 0 ? [`ports = [${ports.join(", ")}]`] : []),
    ...(rule.families.length > 0 ? [`families = ${texts(rule.families)}`] : []),
    `strategy = ${quoted(strategy)}`,
  ].join("\n");
}
