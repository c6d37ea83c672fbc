// Look-ups in long lists: half a million host names, a hundred thousand prefixes. Both sides read the same table.
import { LANE_BYTES, LANES_BASE } from "@bunnel/abi";
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

export const listPart: EnginePart = {
  rows: [
    { name: "500 000 names", measure: "hostNs", unit: UNIT, against: "C", budget: { of: "ours", atMost: 100 } },
    { name: "500 000 names, table", measure: "namesMB", unit: "MB", against: "" },
    { name: "100 000 prefixes", measure: "addressNs", unit: UNIT, against: "C" },
    { name: "100 000 prefixes, table", measure: "prefixesMB", unit: "MB", against: "" },
  ],
  async candidates(stage) {
    const names = Array.from({ length: NAMES }, (_, index) => nameOf(index));
    const prefixes = Array.from({ length: PREFIXES }, (_, index) => prefixOf(index));
    const [hostTable, addressTable] = [tableOf("hosts", names), tableOf("addresses", prefixes)];
    const table = tableOf("hosts", names, prefixes);
    const queries = { names: nameQueries(), addresses: addressQueries() };
    const program = compileProgram("lists", stage.folder);
    const files = { table, ...queries };
    const paths = Object.entries(files).map(([name, octets]) => {
      const path = join(stage.folder, `${name}.list`);
      writeFileSync(path, octets);
      return path;
    });
    const sizes = { namesMB: hostTable.length / 1e6, prefixesMB: addressTable.length / 1e6 };
    const nothing = { namesMB: 0, prefixesMB: 0 };
    const ours = await ListLane.create(table, queries);
    const twin = (): Sample => {
      const line = runTwin([program, ...paths, String(PASSES)]);
      return { ...(JSON.parse(new TextDecoder().decode(line)) as Sample), ...nothing };
    };
    const [found, wanted] = [ours.time(1), twin()];
    if (found["hosts"] !== wanted["hosts"] || found["addresses"] !== wanted["addresses"]) {
      throw new Error("the C twin and the engine find different names or addresses: c/lists.c must follow rules/");
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

/**
 * A quarter each: names of the list, names one and two labels below them, and names that are not in it. Any of the list
 * may be asked for, so that most look-ups find nothing of theirs in the cache.
 */
function nameQueries(): Uint8Array {
  const random = randomOf(7);
  const parts: Uint8Array[] = [words(QUERIES)];
  for (let i = 0; i < QUERIES; i++) {
    const name = nameOf(random() % NAMES);
    const asked = [name, `www.${name}`, `img.cdn.${name}`, `www.${name.replace(".", "-x.")}`][i % 4] ?? name;
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

class ListLane {
  readonly #engine: Engine;
  readonly #addressesAt: number;

  private constructor(engine: Engine, table: Uint8Array, queries: { names: Uint8Array; addresses: Uint8Array }) {
    this.#engine = engine;
    this.#addressesAt = QUERIES_AT + ((queries.names.length + 63) & ~63);
    engine.loadRules(table);
    new Uint8Array(engine.memory).set(queries.names, QUERIES_AT);
    new Uint8Array(engine.memory).set(queries.addresses, this.#addressesAt);
  }

  static async create(table: Uint8Array, queries: { names: Uint8Array; addresses: Uint8Array }): Promise<ListLane> {
    return new ListLane(await Engine.create(), table, queries);
  }

  time(passes: number): Sample {
    const { exports } = this.#engine;
    let hostNs = Infinity;
    let addressNs = Infinity;
    let [hosts, addresses] = [0, 0];
    for (let pass = 0; pass < passes; pass++) {
      const start = Bun.nanoseconds();
      hosts = exports.countHosts(QUERIES_AT + 4, QUERIES, SET);
      const middle = Bun.nanoseconds();
      addresses = exports.countAddresses(this.#addressesAt + 4, QUERIES, SET);
      hostNs = Math.min(hostNs, (middle - start) / QUERIES);
      addressNs = Math.min(addressNs, (Bun.nanoseconds() - middle) / QUERIES);
    }
    return { hostNs, addressNs, hosts, addresses };
  }
}
