// Look-ups in long lists: half a million host names, a hundred thousand prefixes. Both sides read the same table.
import { HOST_FILTER_AT, LANE_BYTES, LANES_BASE, RULES_BASE, RULES_TABLE_BYTES } from "@bunnel/abi";
import { Engine } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileProgram } from "./compile.ts";
import type { EnginePart } from "./engine-part.ts";
import { runTwin } from "./engine-twin.ts";
import { randomOf } from "./packet-mix.ts";
import type { Sample } from "./rounds.ts";

const NAMES = 500_000;
const PREFIXES = 100_000;
const QUERIES = 16_384;
const PASSES = 10;
const SET = 1;
const QUERIES_AT = LANES_BASE + LANE_BYTES;
const UNIT = "ns/look-up";
/** Reads, one after the other, of words in places all over the table: what a look-up waits for. */
const READS = 65_536;
const LINE_WORDS = 16;
const LINES = HOST_FILTER_AT / (4 * LINE_WORDS);
const HIGH = 0x1_0000_0000;
const GOLDEN = 0x9e3779b1 | 0;

/** What is asked for, in the order of the measures hosts0Ns, hosts1Ns… */
const ASKED = ["not listed", "listed, of 2048 that are asked for", "listed, any of them"] as const;

export const listPart: EnginePart = {
  rows: [
    ...ASKED.map((asked, index) => ({
      name: `500 000 names, ${asked}`,
      measure: `hosts${index}Ns`,
      unit: UNIT,
      against: "C",
      // A name that nobody asked for lately lies in main memory: what it costs is the machine's.
      ...(index < 2 ? { budget: { of: "ours", atMost: 100 } as const } : {}),
    })),
    { name: "500 000 names, one read of the table", measure: "readNs", unit: "ns", against: "C" },
    { name: "500 000 names, table", measure: "namesMB", unit: "MB", against: "" },
    { name: "100 000 prefixes", measure: "addressNs", unit: UNIT, against: "C" },
    { name: "100 000 prefixes, table", measure: "prefixesMB", unit: "MB", against: "" },
  ],
  async candidates(stage) {
    const names = Array.from({ length: NAMES }, (_, index) => nameOf(index));
    const prefixes = Array.from({ length: PREFIXES }, (_, index) => prefixOf(index));
    const table = tableOf("hosts", names, prefixes);
    const prefixTable = tableOf("addresses", prefixes);
    const sizes = { namesMB: (table.length - prefixTable.length) / 1e6, prefixesMB: prefixTable.length / 1e6 };
    const asked = ASKED.map((_, kind) => nameQueries(kind));
    const ours = await ListLane.create(table, asked, addressQueries());
    const place = (name: string, octets: Uint8Array): string => {
      const path = join(stage.folder, `${name}.list`);
      writeFileSync(path, octets);
      return path;
    };
    const program = compileProgram("lists", stage.folder);
    const files = [place("table", ours.table()), place("addresses", addressQueries())];
    const command = [program, ...files, String(PASSES), ...asked.map((octets, kind) => place(`names${kind}`, octets))];
    const twin = (): Sample => ({
      ...(JSON.parse(new TextDecoder().decode(runTwin(command))) as Sample),
      namesMB: 0,
      prefixesMB: 0,
    });
    const [found, wanted] = [ours.time(1), twin()];
    for (const count of ["addresses", "reads", ...ASKED.map((_, kind) => `hosts${kind}`)]) {
      if (found[count] === wanted[count]) continue;
      throw new Error(`${count}: the C twin finds ${wanted[count]}, the engine ${found[count]}: see c/lists.c, rules/`);
    }
    return [
      { name: "C", run: async () => twin() },
      { name: "ours", run: async () => ({ ...ours.time(PASSES), ...sizes }) },
    ];
  },
};

/** Names as block lists have them: two to four labels of 2 to 14 letters, told apart by their number. */
function nameOf(index: number): string {
  const random = randomOf(index + 1);
  const label = (): string => {
    const letters = 2 + (random() % 9);
    return Array.from({ length: letters }, () => String.fromCharCode(97 + (random() % 26))).join("");
  };
  const middle = random() % 3 === 0 ? [label()] : [];
  return [`${label()}${index.toString(36)}`, ...middle, "example", "org"].join(".");
}

/** Prefixes of 24 bits, none touching another. */
function prefixOf(index: number): string {
  return `${16 + (index >> 15)}.${(index >> 7) & 0xff}.${(index << 1) & 0xff}.0/24`;
}

/** A table of one rule with these lists. */
function tableOf(kind: "hosts" | "addresses", list: readonly string[], addresses?: readonly string[]): Uint8Array {
  const lists: Readonly<Record<string, readonly string[]>> = { list, more: addresses ?? [] };
  const more = addresses === undefined ? "" : `addresses_file = "more"\n`;
  const text = `[[rule]]\nname = "bench"\n${kind}_file = "list"\n${more}strategy = "tls: split(1)"\n`;
  const load = (path: string): Uint8Array => new TextEncoder().encode((lists[path] ?? []).join("\n"));
  return encodeRules(parseProfile(text, { load }));
}

/** Names of one kind of ASKED; a third of those that are listed stand for themselves, the others have labels before. */
function nameQueries(kind: number): Uint8Array {
  const random = randomOf(7 + kind);
  const parts: Uint8Array[] = [words(QUERIES)];
  for (let i = 0; i < QUERIES; i++) {
    const name = nameOf(kind === 1 ? (random() % 2048) * 244 : random() % NAMES);
    const listed = [name, `www.${name}`, `img.cdn.${name}`][i % 3] ?? name;
    const asked = kind === 0 ? `www.${name.replace(".", "-x.")}` : listed;
    parts.push(Uint8Array.of(asked.length & 255, asked.length >> 8), new TextEncoder().encode(asked));
  }
  return Buffer.concat(parts);
}

/** Half of them in a prefix of the list, half beside one. */
function addressQueries(): Uint8Array {
  const random = randomOf(9);
  const parts: Uint8Array[] = [words(QUERIES)];
  for (let i = 0; i < QUERIES; i++) {
    const octets = prefixOf(random() % PREFIXES)
      .split(/[./]/)
      .map(Number);
    const [first = 0, second = 0, third = 0] = octets;
    parts.push(Uint8Array.of(first, second, i % 2 === 0 ? third : third + 1, random() % 256));
  }
  return Buffer.concat(parts);
}

function words(count: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(count).buffer);
}

/** Our side: the table in force, and what is asked for in the memory of lanes that nobody opens. */
class ListLane {
  readonly #engine: Engine;
  readonly #namesAt: readonly number[];
  readonly #addressesAt: number;
  readonly #words: Uint32Array;

  private constructor(engine: Engine, table: Uint8Array, names: readonly Uint8Array[], addresses: Uint8Array) {
    this.#engine = engine;
    engine.loadRules(table);
    this.#words = new Uint32Array(engine.memory, RULES_BASE, HOST_FILTER_AT / 4);
    let next = QUERIES_AT;
    const lay = (octets: Uint8Array): number => {
      const at = next;
      new Uint8Array(engine.memory).set(octets, at);
      next = (at + octets.length + 63) & ~63;
      return at + 4;
    };
    this.#namesAt = names.map(lay);
    this.#addressesAt = lay(addresses);
  }

  static async create(table: Uint8Array, names: readonly Uint8Array[], addresses: Uint8Array): Promise<ListLane> {
    return new ListLane(await Engine.create(), table, names, addresses);
  }

  /** The whole place of the table in force, with the filter in it. */
  table(): Uint8Array {
    return new Uint8Array(this.#engine.memory, RULES_BASE, RULES_TABLE_BYTES);
  }

  /** Reads words all over the table, the place of each following from the one before, as c/lists.c does. */
  #walk(): number {
    const words = this.#words;
    let at = 1;
    for (let i = 0; i < READS; i++) {
      const line = Math.floor((at * LINES) / HIGH);
      at = (Math.imul(((at + (words[line * LINE_WORDS] ?? 0)) >>> 0) | 0, GOLDEN) + i) >>> 0;
    }
    return at;
  }

  /** Nanoseconds per look-up, of the fastest of several passes, and how many were found. */
  time(passes: number): Sample {
    const { exports } = this.#engine;
    const sample: Record<string, number> = {};
    sample["addressNs"] = leastOf(passes, () => {
      sample["addresses"] = exports.countAddresses(this.#addressesAt, QUERIES, SET);
    });
    sample["readNs"] = leastOf(passes, () => (sample["reads"] = this.#walk()), READS);
    for (const [kind, at] of this.#namesAt.entries()) {
      sample[`hosts${kind}Ns`] = leastOf(passes, () => {
        sample[`hosts${kind}`] = exports.countHosts(at, QUERIES, SET);
      });
    }
    return sample;
  }
}

function leastOf(passes: number, run: () => void, each = QUERIES): number {
  let least = Infinity;
  for (let pass = 0; pass < passes; pass++) {
    const start = Bun.nanoseconds();
    run();
    least = Math.min(least, (Bun.nanoseconds() - start) / each);
  }
  return least;
}
