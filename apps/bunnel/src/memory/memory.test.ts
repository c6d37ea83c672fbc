import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ANY_NETWORK, TRIED_MAX, type Outcome } from "./contract.ts";
import { Memory } from "./memory.ts";
import { MIGRATIONS, migrate } from "./migrations.ts";
import { IN_MEMORY } from "./open-database.ts";
import { HALF_LIFE_MS, UNKNOWN_SCORE } from "./score.ts";

const HOME = "home";
const HOST = "video.example.org";
const SPLIT = "tls: split(1)";
const DISORDER = "tls: split(1, midsld) disorder";
const NOW = Date.UTC(2026, 2, 1);

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-test-"));
  path = join(folder, "memory.sqlite");
});

afterEach(() => rmSync(folder, { recursive: true }));

function outcome(more: Partial<Outcome> = {}): Outcome {
  return { network: HOME, host: HOST, strategy: SPLIT, worked: true, how: "traffic", at: NOW, ...more };
}

function times(count: number, memory: Memory, more: Partial<Outcome> = {}): void {
  for (let i = 0; i < count; i++) memory.record(outcome(more));
}

describe("Memory", () => {
  test("keeps what worked and what did not over a restart, for its owner alone", () => {
    using memory = Memory.open(path);
    memory.record(outcome());
    memory.record(outcome({ strategy: DISORDER, worked: false, symptom: "reset", at: NOW + 5 }));
    for (const suffix of ["", "-wal"]) expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
    memory.close();
    using again = Memory.open(path);
    expect(again.best(HOME, HOST, NOW)).toMatchObject({ strategy: SPLIT, pinned: false });
    expect(again.host(HOME, HOST, NOW)?.tried).toMatchObject([
      { strategy: SPLIT, worked: 1, failed: 0, workedAt: NOW, failedAt: undefined, symptom: undefined },
      { strategy: DISORDER, worked: 0, failed: 1, workedAt: undefined, failedAt: NOW + 5, symptom: "reset" },
    ]);
  });

  test("what worked in one network is not known in another", () => {
    using memory = Memory.open(IN_MEMORY);
    memory.record(outcome());
    expect(memory.best("work", HOST, NOW)).toBeUndefined();
    expect(memory.hosts("work", NOW)).toEqual([]);
    expect(memory.hosts(undefined, NOW).map(({ network, host }) => [network, host])).toEqual([[HOME, HOST]]);
  });

  test("a few failures of now outvote hundreds of pages of before", () => {
    using memory = Memory.open(IN_MEMORY);
    memory.recordAll(Array.from({ length: 500 }, () => outcome()));
    memory.record(outcome({ strategy: DISORDER }));
    expect(memory.best(HOME, HOST, NOW)?.strategy).toBe(SPLIT);
    times(3, memory, { worked: false });
    expect(memory.best(HOME, HOST, NOW)?.strategy).toBe(DISORDER);
    expect(memory.host(HOME, HOST, NOW)?.tried[1]).toMatchObject({ worked: 500, failed: 3 });
  });

  test("what failed more than it worked is not begun with, and is not held against it for ever", () => {
    using memory = Memory.open(IN_MEMORY);
    times(4, memory, { worked: false });
    expect(memory.best(HOME, HOST, NOW)).toBeUndefined();
    const before = memory.tried(HOME, HOST, NOW)[0]?.score ?? NaN;
    const after = memory.tried(HOME, HOST, NOW + 4 * HALF_LIFE_MS)[0]?.score ?? NaN;
    expect(before).toBeLessThan(after);
    expect(after).toBeLessThan(UNKNOWN_SCORE);
  });

  test("a pin goes before everything that is known, in one network or in all", () => {
    using memory = Memory.open(IN_MEMORY);
    times(3, memory);
    memory.pin(ANY_NETWORK, HOST, "preset:default");
    expect(memory.best("elsewhere", HOST, NOW)).toEqual({ strategy: "preset:default", pinned: true, score: 1 });
    memory.pin(HOME, HOST, `${DISORDER} `);
    expect(memory.best(HOME, HOST, NOW)?.strategy).toBe(DISORDER);
    memory.pin(HOME, HOST, undefined);
    memory.pin(ANY_NETWORK, HOST, undefined);
    expect(memory.best(HOME, HOST, NOW)?.strategy).toBe(SPLIT);
  });

  test("forgets a host, a network, or everything, and leaves no octet of a name in the file", () => {
    using memory = Memory.open(path);
    for (const network of [HOME, "work"]) {
      for (const host of [HOST, "news.example.org"]) memory.record(outcome({ network, host }));
    }
    expect(memory.forget({ network: HOME, host: HOST })).toBe(1);
    expect(memory.forget({ host: HOST })).toBe(1);
    for (const suffix of ["", "-wal"]) expect(readFileSync(path + suffix, "latin1")).not.toContain(HOST);
    expect(memory.forget({ network: "work" })).toBe(1);
    expect(memory.hosts().map(({ network }) => network)).toEqual([HOME]);
    expect(memory.forget()).toBe(1);
    expect(memory.hosts()).toEqual([]);
  });

  test("has room for so many, and lets those go that were not seen for longest; a pinned one stays", () => {
    using memory = Memory.open(IN_MEMORY, { limits: { networks: 2, hosts: 3 } });
    memory.pin(HOME, "pinned.example.org", SPLIT, NOW - 100);
    for (let i = 0; i < 6; i++) memory.record(outcome({ host: `h${i}.example.org`, at: NOW + i }));
    const names = (network: string) => memory.hosts(network).map(({ host }) => host);
    expect(names(HOME)).toEqual(["h5.example.org", "h4.example.org", "h3.example.org", "pinned.example.org"]);
    memory.record(outcome({ network: "work", at: NOW + 10 }));
    memory.record(outcome({ network: "cafe", at: NOW + 11 }));
    expect(memory.networks().map(({ fingerprint }) => fingerprint)).toEqual(["cafe", "work"]);
    expect(names(HOME)).toEqual([]);
    memory.pin(ANY_NETWORK, HOST, SPLIT);
    memory.record(outcome({ network: "car", at: NOW + 12 }));
    expect(names(ANY_NETWORK)).toEqual([HOST]);
  });

  test("keeps so many strategies of a host", () => {
    using memory = Memory.open(IN_MEMORY);
    for (let i = 1; i <= TRIED_MAX + 3; i++) memory.record(outcome({ strategy: `tls: split(${i})`, at: NOW + i }));
    const kept = memory.tried(HOME, HOST, NOW).map(({ strategy }) => strategy);
    expect(kept).toHaveLength(TRIED_MAX);
    expect(kept).not.toContain("tls: split(3)");
  });

  test("has names in one form, and refuses what is no name and no strategy", () => {
    using memory = Memory.open(IN_MEMORY);
    memory.record(outcome({ host: "VIDEO.Example.org.", strategy: "tls:split( 1 )" }));
    memory.record(outcome());
    expect(memory.hosts(HOME, NOW)).toMatchObject([{ host: HOST, tried: [{ strategy: SPLIT, worked: 2 }] }]);
    for (const host of ["", "192.0.2.7", "a b", "x/y", "a..b"]) {
      expect(() => memory.record(outcome({ host }))).toThrow("expected a name such as www.example.org");
    }
    expect(() => memory.record(outcome({ strategy: "preset:defalt" }))).toThrow("expected");
    expect(() => memory.recordAll([outcome({ at: NOW + 9 }), outcome({ host: "" })])).toThrow("expected");
    expect(memory.host(HOME, HOST, NOW)?.seenAt).toBe(NOW);
  });

  test("names networks for people", () => {
    using memory = Memory.open(IN_MEMORY);
    memory.record(outcome());
    memory.nameNetwork(HOME, "192.0.2.1 on eth0", NOW + 1);
    expect(memory.networks()).toEqual([{ fingerprint: HOME, label: "192.0.2.1 on eth0", seenAt: NOW + 1, hosts: 1 }]);
  });

  test("a second process may read and write beside it", () => {
    using memory = Memory.open(path);
    memory.record(outcome());
    using beside = Memory.open(path);
    beside.pin(HOME, HOST, DISORDER);
    expect(memory.best(HOME, HOST, NOW)?.strategy).toBe(DISORDER);
  });
});

describe("a file that is not right", () => {
  test("is put aside when it is damaged, and said", () => {
    writeFileSync(path, "this is no database ".repeat(300));
    const aside: string[] = [];
    using memory = Memory.open(path, { setAside: (where) => aside.push(where) });
    memory.record(outcome());
    expect(aside).toEqual([`${path}.damaged`]);
    expect(readFileSync(`${path}.damaged`, "latin1")).toStartWith("this is no database");
    expect(memory.best(HOME, HOST, NOW)?.strategy).toBe(SPLIT);
  });

  test("is put aside when pages of it are wrong, which a header does not show", () => {
    const first = Memory.open(path);
    first.recordAll(Array.from({ length: 400 }, (_, i) => outcome({ host: `h${i}.example.org` })));
    first.close();
    const octets = new Uint8Array(readFileSync(path));
    octets.fill(0x5a, 4096);
    writeFileSync(path, octets);
    const aside: string[] = [];
    using memory = Memory.open(path, { setAside: (where) => aside.push(where) });
    expect(aside).toHaveLength(1);
    expect(memory.hosts()).toEqual([]);
  });

  test("is put aside when it is damaged while it is in use", () => {
    const aside: string[] = [];
    using memory = Memory.open(path, { setAside: (where) => aside.push(where) });
    memory.recordAll(Array.from({ length: 400 }, (_, i) => outcome({ host: `h${i}.example.org` })));
    // A change by another process makes this one read its pages anew.
    const beside = Memory.open(path);
    beside.forget({ host: "h0.example.org" });
    beside.close();
    writeFileSync(path, new Uint8Array(statSync(path).size).fill(0x5a));
    memory.record(outcome());
    expect(aside).toEqual([`${path}.damaged`]);
    expect(memory.hosts().map(({ host }) => host)).toEqual([HOST]);
  });

  test("of a newer version is refused, and not touched", () => {
    Memory.open(path).close();
    const newer = new Database(path);
    newer.run(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    newer.close();
    const before = readFileSync(path);
    const version = `found version ${MIGRATIONS.length + 1} of a newer bunnel`;
    expect(() => Memory.open(path)).toThrow(expect.objectContaining({ code: "E_MEMORY_NEWER" }));
    expect(() => Memory.open(path)).toThrow(version);
    expect(readFileSync(path)).toEqual(before);
  });

  test("of something else is refused, and not touched", () => {
    const other = new Database(path);
    other.run("CREATE TABLE mine (x)");
    other.close();
    const before = readFileSync(path);
    expect(() => Memory.open(path)).toThrow(expect.objectContaining({ code: "E_MEMORY_FOREIGN" }));
    expect(readFileSync(path)).toEqual(before);
    expect(existsSync(`${path}.damaged`)).toBe(false);
  });

  test("that is a link, or in a folder that is not there, is refused", () => {
    writeFileSync(join(folder, "victim"), "");
    symlinkSync(join(folder, "victim"), path);
    expect(() => Memory.open(path)).toThrow(expect.objectContaining({ code: "E_MEMORY_FILE" }));
    expect(readFileSync(join(folder, "victim"), "utf8")).toBe("");
    expect(() => Memory.open(join(folder, "no", "memory.sqlite"))).toThrow(/^memory .*expected a database/u);
  });
});

describe("migrate()", () => {
  test("brings a database of each earlier version to this one, with all that is in it", () => {
    for (let version = 1; version < MIGRATIONS.length; version++) {
      const file = join(folder, `v${version}.sqlite`);
      const old = new Database(file);
      migrate(old, file, MIGRATIONS.slice(0, version));
      old.run("INSERT INTO network VALUES (?1, '', ?2)", [HOME, NOW]);
      old.run("INSERT INTO host VALUES (?1, ?2, NULL, ?3)", [HOME, HOST, NOW]);
      const columns = "(network, host, strategy, good, bad, weighed_at, worked, failed, worked_at, how)";
      old.run(`INSERT INTO tried ${columns} VALUES (?1, ?2, ?3, 1, 0, ?4, 1, 0, ?4, 'probe')`, [
        HOME,
        HOST,
        SPLIT,
        NOW,
      ]);
      old.close();
      using memory = Memory.open(file);
      expect(memory.best(HOME, HOST, NOW)?.strategy).toBe(SPLIT);
      memory.record(outcome({ worked: false, symptom: "freeze" }));
      expect(memory.tried(HOME, HOST, NOW)[0]).toMatchObject({ symptom: "freeze", worked: 1, failed: 1 });
    }
  });

  test("a step that fails leaves the version before", () => {
    const database = new Database(IN_MEMORY);
    const wrong = [MIGRATIONS[0] ?? "", "CREATE TABLE new (x); CREATE TABLE tried (x)"];
    expect(() => migrate(database, IN_MEMORY, wrong)).toThrow("tried");
    expect(database.query("PRAGMA user_version").get()).toEqual({ user_version: 1 });
    expect(database.query("SELECT name FROM sqlite_schema WHERE name = 'new'").all()).toEqual([]);
    migrate(database, IN_MEMORY);
    expect(database.query("PRAGMA user_version").get()).toEqual({ user_version: MIGRATIONS.length });
  });
});
