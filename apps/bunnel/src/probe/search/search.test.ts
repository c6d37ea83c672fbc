import { describe, expect, test } from "bun:test";
import type { Diagnosis } from "../diagnose.ts";
import { AddressPool } from "./address-pool.ts";
import { Budget } from "./budget.ts";
import { candidatesFor, isStream, type Candidate } from "./candidates.ts";
import { recommend } from "./recommend.ts";
import { search, type TrialResult } from "./search.ts";

const HOSTS = ["a.example.org", "b.example.org"];

function candidate(rank: number, more: Partial<Candidate> = {}): Candidate {
  const strategy = `tls: split(${rank + 1})`;
  return { name: `c${rank}`, kind: "tls", strategy, egress: "packet", cost: rank, rank, ...more };
}

function result(of: Candidate, host: string, works: boolean): TrialResult {
  return { host, candidate: of, works, times: works ? 3 : 0, how: "", ms: 1 };
}

function diagnosis(host: string, ...blocked: Diagnosis["blocked"]): Diagnosis {
  return { host, findings: [], blocked, hasPenalty: false, hasQuicPenalty: false, summary: "" };
}

interface Run {
  readonly asked: readonly string[];
  readonly results: readonly TrialResult[];
}

/** @param works which candidate works where */
async function run(
  works: (rank: number, host: string) => boolean,
  more: Partial<Parameters<typeof search>[0]> = {},
): Promise<Run> {
  const asked: string[] = [];
  const results = await search({
    ...{ candidates: [0, 1, 2, 3, 4, 5].map((rank) => candidate(rank)), hosts: HOSTS, workers: [1, 2] },
    ...{ known: [], isOver: () => false, tell: () => undefined },
    attempt: async (_, of, host) => {
      asked.push(`${of.name} ${host}`);
      await Promise.resolve();
      return result(of, host, works(of.rank, host));
    },
    ...more,
  });
  return { asked, results };
}

describe("search()", () => {
  test("goes from the cheapest on and ends with the first that works for all", async () => {
    const { asked, results } = await run((rank) => rank >= 2);
    expect(asked.some((each) => each.startsWith("c4"))).toBe(false);
    const best = recommend(
      HOSTS.map((host) => diagnosis(host, "tls")),
      results,
    );
    expect(best).toEqual({ rules: [{ hosts: HOSTS, strategy: "tls: split(3)" }], unsolved: [] });
  });

  test("does not ask again what is known", async () => {
    const known = HOSTS.flatMap((host) => [0, 1].map((rank) => result(candidate(rank), host, false)));
    const { asked } = await run((rank) => rank === 2, { known });
    expect(asked.some((each) => /^c[01]/u.test(each))).toBe(false);
  });

  test("begins nothing more when it is over", async () => {
    let count = 0;
    const { asked } = await run(() => false, { isOver: () => ++count > 6 });
    expect(asked.length).toBeLessThan(8);
  });
});

describe("recommend()", () => {
  test("takes what serves the most hosts, then what is left, and says what nothing helps", () => {
    const results = [
      result(candidate(0), "a.example.org", true),
      result(candidate(1), "a.example.org", true),
      result(candidate(1), "b.example.org", true),
      result(candidate(2), "c.example.org", true),
      result(candidate(2), "d.example.org", false),
    ];
    const hosts = ["a", "b", "c", "d"].map((name) => diagnosis(`${name}.example.org`, "tls"));
    expect(recommend(hosts, results)).toEqual({
      rules: [
        { hosts: ["a.example.org", "b.example.org"], strategy: "tls: split(2)" },
        { hosts: ["c.example.org"], strategy: "tls: split(3)" },
      ],
      unsolved: [{ host: "d.example.org", kind: "tls" }],
    });
  });

  test("answers forged names, drops QUIC that nothing helps, and says when sockets carried it", () => {
    const [host = ""] = HOSTS;
    const stream = result(candidate(0, { egress: "stream" }), host, true);
    expect(recommend([diagnosis(host, "tls", "quic", "dns")], [stream]).rules).toEqual([
      { hosts: [host], strategy: "tls: split(1)  quic: drop  dns: doh", egress: "stream" },
    ]);
    expect(recommend([diagnosis(host)], []).rules).toEqual([]);
  });
});

describe("candidatesFor()", () => {
  const all = { packets: true, streams: true };

  test.each(["tls", "http", "quic"] as const)("has those of %s once each, cheapest first", (kind) => {
    const found = candidatesFor(kind, all);
    expect(new Set(found.map(({ strategy }) => strategy)).size).toBe(found.length);
    expect(found.map(({ cost }) => cost)).toEqual(found.map(({ cost }) => cost).toSorted((a, b) => a - b));
    expect(found.every(({ strategy }) => strategy.startsWith(`${kind}:`))).toBe(true);
  });

  test("has only what can be carried out, and streams where nothing else can", () => {
    expect(candidatesFor("tls", { packets: false, streams: true }).every(({ egress }) => egress === "stream")).toBe(
      true,
    );
    const packets = candidatesFor("tls", { packets: true, streams: false });
    expect(packets.some(({ strategy }) => isStream(strategy))).toBe(false);
    const both = candidatesFor("tls", all).filter(({ egress }) => egress === "stream");
    expect(both.length).toBeGreaterThan(0);
    expect(both.every(({ strategy }) => isStream(strategy))).toBe(true);
    expect(candidatesFor("quic", { packets: false, streams: true })).toEqual([]);
  });
});

describe("Budget", () => {
  test("says which limit is reached first", () => {
    let nowMs = 0;
    const budget = new Budget({ seconds: 2, connections: 2, octets: 100 }, () => nowMs);
    budget.connection();
    expect(budget.spent).toBeUndefined();
    budget.octets(100);
    expect(budget.spent).toBe("its 100 octets are used");
    budget.connection();
    expect(budget.spent).toBe("its 2 connections are used");
    nowMs = 2000;
    expect(budget.spent).toBe("its 2 seconds are over");
    budget.stop();
    expect(budget.spent).toBe("it was interrupted");
    expect(budget.used).toEqual({ seconds: 2, connections: 2, octets: 100 });
  });
});

const ADDRESSES = ["192.0.2.1", "192.0.2.2"];

describe("AddressPool", () => {
  const isFree = (): Promise<boolean> => Promise.resolve(true);

  test("shares addresses in turn where nobody punishes", async () => {
    const pool = new AddressPool(ADDRESSES, { modes: new Map([[4, "shared"]]), isFree, isOver: () => false });
    const taken = [await pool.take(4), await pool.take(4), await pool.take(4)];
    expect(taken.map((place) => place?.address)).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.1"]);
  });

  test("gives an address to one at a time where somebody punishes, and not behind a failure", async () => {
    let isOver = false;
    const modes = new Map([[4, "resting"]] as const);
    const pool = new AddressPool(ADDRESSES, { modes, isFree, isOver: () => isOver });
    expect([(await pool.take(4))?.address, (await pool.take(4))?.address]).toEqual(["192.0.2.1", "192.0.2.2"]);
    pool.give({ address: "192.0.2.2", source: undefined }, true);
    pool.give({ address: "192.0.2.1", source: undefined }, false);
    expect((await pool.take(4))?.address).toBe("192.0.2.1");
    isOver = true;
    expect(await pool.take(4)).toBeUndefined();
    pool.close();
  });

  test("takes another local address for each try where it may, and leaves the family behind the last one", async () => {
    const left = ["198.51.100.1", "198.51.100.2"];
    const sources = { take: () => Promise.resolve(left.shift()), giveBack: (source: string) => void left.push(source) };
    const modes = new Map([
      [4, "fresh"],
      [6, "resting"],
    ] as const);
    const pool = new AddressPool([...ADDRESSES, "2001:db8::1"], { modes, sources, isFree, isOver: () => false });
    expect(pool.families()).toEqual([4, 6]);
    expect(pool.families(false)).toEqual([6]);
    expect([await pool.take(4), await pool.take(4)]).toEqual([
      { address: "192.0.2.1", source: "198.51.100.1" },
      { address: "192.0.2.2", source: "198.51.100.2" },
    ]);
    pool.give({ address: "192.0.2.1", source: "198.51.100.1" }, true);
    pool.give({ address: "192.0.2.2", source: "198.51.100.2" }, false);
    expect((await pool.take(4))?.source).toBe("198.51.100.2");
    expect(await pool.take(4)).toBeUndefined();
    expect(pool.families()).toEqual([6]);
    pool.close();
  });
});
