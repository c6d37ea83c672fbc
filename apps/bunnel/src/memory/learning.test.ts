import { beforeEach, describe, expect, test } from "bun:test";
import { parseProfile, ruleStrategyText, type Profile } from "@bunnel/profile";
import { ANY_NETWORK } from "./contract.ts";
import { Learning, type LearningNews } from "./learning.ts";
import { LEARNED_PREFIX } from "./learned-profile.ts";
import { Memory } from "./memory.ts";
import { IN_MEMORY } from "./open-database.ts";
import type { Seen } from "./watch/seen.ts";

const HOST = "video.example.org";
const HOME = { fingerprint: "home", label: "192.0.2.1 on eth0" };
const CAFE = { fingerprint: "cafe", label: "198.51.100.1 on wlan0" };
const FAKE = "tls: fake(sni=www.example.org, ttl=4) split(1)";
const RULES = '\n[[rule]]\nname = "all"\nstrategy = "tls: split(5)"\n';
const START_DATE = Date.UTC(2026, 2, 1);

let memory: Memory;
let nowMs: number;
let applied: Profile[];
let news: LearningNews[];
let failed: string[];
let refusal: Error | undefined;
let flows: number;

beforeEach(() => {
  memory = Memory.open(IN_MEMORY);
  [nowMs, applied, news, failed, refusal, flows] = [1_000_000, [], [], [], undefined, 0];
});

function learn(memorySection = "", rules = RULES): Learning {
  const profile = parseProfile(`[memory]\n${memorySection}${rules}`);
  return new Learning({
    ...{ memory, profile, now: () => nowMs, date: () => START_DATE + nowMs },
    apply: (next) => {
      if (refusal) throw refusal;
      applied.push(next);
    },
    tell: (told) => news.push(told),
    fail: (what) => failed.push(what),
  });
}

/** A page that is asked for, and what becomes of it. */
function page(learning: Learning, worked: boolean, host = HOST): void {
  const flow = `192.0.2.7:${40_000 + flows++} 203.0.113.9:443`;
  nowMs += 1000;
  const hello: Seen = { seen: "hello", flow, host, kind: "tls", seq: 1 };
  learning.take([{ seen: "synAck", flow, hopLimit: 55, seq: 0 }, hello]);
  nowMs += 50;
  if (worked) learning.take([{ seen: "end", flow, hopLimit: 55, seq: 5001 }]);
  else learning.take([{ seen: "reset", flow, hopLimit: 55, seq: 1 }]);
}

function fail(learning: Learning, times: number, host = HOST): void {
  for (let i = 0; i < times; i++) page(learning, false, host);
}

/** A connection over QUIC beside another host's, and what becomes of it. */
function quic(learning: Learning, worked: boolean): void {
  const flow = `quic 192.0.2.7:${40_000 + flows++} 203.0.113.9:443`;
  nowMs += 1000;
  learning.take([{ seen: "initial", flow, host: HOST, id: "a1" }]);
  for (let i = 0; i < 6; i++) {
    nowMs += 300;
    if (worked) learning.take([{ seen: "answer", flow, isLong: false }]);
    else learning.take([{ seen: "initial", flow, host: HOST, id: "a1" }]);
    learning.take([{ seen: "answer", flow: "quic another", isLong: true }]);
  }
}

/** A download of so many KiB a second beside a quick one of another host; gaps in every second where `isHeldBack`. */
function download(learning: Learning, kibPerSecond: number, seconds: number, isHeldBack = true): void {
  const flow = `192.0.2.7:${40_000 + flows++} 203.0.113.9:443`;
  nowMs += 1000;
  learning.take([{ seen: "hello", flow, host: HOST, kind: "tls", seq: 1 }]);
  const nothing = { unacked: 0, retransmits: 0, silentMs: 0, unread: 0 };
  for (let second = 1; second <= seconds; second++) {
    nowMs += 1000;
    const figures = { received: second * kibPerSecond * 1024, outOfOrder: isHeldBack ? second : 0, ...nothing };
    const other: Seen = { seen: "other", flow: "", bytesPerSecond: 1e6 };
    learning.take([other, { seen: "socket", flow, ...figures }]);
  }
}

/** Hosts and strategies of the rules that were put ahead. */
function ahead(profile = applied.at(-1)): [readonly string[], string][] {
  const learned = profile?.rules.filter(({ name }) => name.startsWith(LEARNED_PREFIX)) ?? [];
  return learned.map((rule) => [rule.hosts, ruleStrategyText(rule)]);
}

const told = (): string[] => news.map(({ event }) => event);

describe("Learning", () => {
  test("gives a host another strategy after failures, keeps it when it works, and has it after a start anew", () => {
    const learning = learn('candidates = ["tls: split(1, midsld) disorder", "tls: fake(ttl=4) split(1)"]\n');
    learning.enter(HOME);
    fail(learning, 3);
    expect(ahead()).toEqual([[[`=${HOST}`], "tls: split(1, midsld) disorder"]]);
    fail(learning, 2);
    expect(ahead()).toEqual([[[`=${HOST}`], FAKE]]);
    page(learning, true);
    expect(told()).toEqual(["network", "strategy changed", "strategy changed", "strategy works"]);
    expect(learning.figures).toMatchObject({ changes: { reset: 2 }, failures: { reset: 5 }, worked: 1, learned: 1 });
    expect(memory.host("home", HOST)?.tried).toMatchObject([
      { strategy: FAKE, worked: 1, failed: 0 },
      { strategy: "tls: split(1, midsld) disorder", worked: 0, failed: 2, symptom: "reset" },
      { strategy: "tls: split(5)", worked: 0, failed: 3, symptom: "reset" },
    ]);
    const again = learn();
    again.enter(HOME);
    expect(ahead()).toEqual([[[`=${HOST}`], FAKE]]);
  });

  test("throttled downloads change the strategy, pages between make no difference, quick ones settle", () => {
    const learning = learn('candidates = ["tls: split(1) disorder", "tls: fake(ttl=4) split(1)"]\n');
    learning.enter(HOME);
    for (let i = 0; i < 4; i++) {
      expect(ahead()).toEqual([]);
      download(learning, 16, 8);
      page(learning, true);
    }
    expect(ahead()).toEqual([[[`=${HOST}`], "tls: split(1) disorder"]]);
    page(learning, true);
    expect(told()).toEqual(["network", "strategy changed"]);
    download(learning, 16, 8);
    download(learning, 16, 8);
    expect(ahead()).toEqual([[[`=${HOST}`], FAKE]]);
    download(learning, 500, 1);
    expect(told().at(-1)).toBe("strategy works");
    expect(learning.figures).toMatchObject({ changes: { throttle: 2 }, failures: { throttle: 6 } });
    expect(memory.tried("home", HOST).map(({ strategy, symptom }) => [strategy, symptom])).toContainEqual([
      "tls: split(5)",
      "throttle",
    ]);
  });

  test("QUIC of a host fails and works apart from what goes over TCP, also after a start anew", () => {
    const rules = '\n[[rule]]\nname = "all"\nstrategy = "tls: split(5)  quic: ttl(9)"\n';
    const section = 'candidates = ["tls: split(1)  quic: tos(8)", "tls: split(2)"]\n';
    const learning = learn(section, rules);
    learning.enter(HOME);
    for (let i = 0; i < 3; i++) {
      quic(learning, false);
      page(learning, true);
    }
    expect(ahead()).toEqual([[[`=${HOST}`], "quic: tos(8)"]]);
    quic(learning, true);
    expect(told()).toEqual(["network", "strategy changed", "strategy works"]);
    expect(learning.figures).toMatchObject({ learned: 1, changes: { silence: 1 }, failures: { silence: 3 } });
    fail(learning, 3);
    expect(ahead().map(([, strategy]) => strategy)).toEqual(["quic: tos(8)", "tls: split(1)"]);
    page(learning, true);
    expect(Object.fromEntries(memory.tried("home", HOST).map(({ strategy, symptom }) => [strategy, symptom]))).toEqual({
      "tls: split(1)  quic: tos(8)": undefined,
      "quic: tos(8)": undefined,
      "tls: split(5)  quic: ttl(9)": "reset",
      "quic: ttl(9)": "silence",
    });
    learn(section, rules).enter(HOME);
    expect(
      ahead()
        .map(([, strategy]) => strategy)
        .toSorted(),
    ).toEqual(["quic: tos(8)", "tls: split(1)"]);
    expect(learning.figures.learned).toBe(1);
  });

  test("another network begins anew, and the first is known again", () => {
    const learning = learn('candidates = ["tls: split(1)"]\n');
    learning.enter(HOME);
    fail(learning, 3);
    page(learning, true);
    learning.enter(CAFE);
    expect(ahead()).toEqual([]);
    learning.enter(HOME);
    expect(ahead()).toEqual([[[`=${HOST}`], "tls: split(1)"]]);
  });

  test("what works for one host is tried first for the next", () => {
    const learning = learn('candidates = ["tls: split(1) disorder", "tls: fake(ttl=4) split(1)"]\n');
    learning.enter(HOME);
    fail(learning, 5);
    page(learning, true);
    fail(learning, 3, "news.example.org");
    expect(ahead()).toEqual([[["=news.example.org", `=${HOST}`], FAKE]]);
  });

  test("connections that a box resets of itself for a while count for what began it, not for what is tried", () => {
    const learning = learn('candidates = ["tls: split(1) disorder", "tls: fake(ttl=4) split(1)"]\n');
    learning.enter(HOME);
    page(learning, false);
    const residual = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const flow = `192.0.2.7:${40_000 + flows++} 203.0.113.9:443`;
        nowMs += 1000;
        learning.take([{ seen: "synAck", flow, hopLimit: 55, seq: 0 }]);
        learning.take([{ seen: "reset", flow, hopLimit: 55, seq: 1 }]);
      }
    };
    residual(2);
    expect(ahead()).toEqual([[[`=${HOST}`], "tls: split(1) disorder"]]);
    residual(20);
    expect(ahead()).toEqual([[[`=${HOST}`], "tls: split(1) disorder"]]);
    expect(learning.figures.failures["reset"]).toBe(3 + 20);
  });

  test("when nothing helps it goes back to what the profile says, and says so", () => {
    const learning = learn('candidates = ["tls: split(1)"]\n');
    learning.enter(HOME);
    fail(learning, 5);
    expect(told().at(-1)).toBe("no strategy works");
    expect(ahead()).toEqual([]);
    expect(learning.figures).toMatchObject({ learned: 0, helpless: 1 });
    fail(learning, 20);
    expect(told()).toHaveLength(3);
  });

  test("goes back to the profile's strategy where that was not what failed", () => {
    memory.record({
      network: "home",
      host: HOST,
      strategy: "tls: split(1)",
      worked: true,
      how: "probe",
      at: START_DATE,
    });
    const learning = learn('candidates = ["tls: split(1)", "tls: split(2)"]\n');
    learning.enter(HOME);
    expect(ahead()).toEqual([[[`=${HOST}`], "tls: split(1)"]]);
    fail(learning, 3);
    expect(ahead()).toEqual([]);
    expect(news.at(-1)?.fields).toMatchObject({ from: "tls: split(1)", to: "tls: split(5)" });
    page(learning, true);
    expect(memory.best("home", HOST, START_DATE + nowMs)?.strategy).toBe("tls: split(5)");
  });

  test("leaves alone what the profile leaves alone", () => {
    const bank = '\n[[rule]]\nname = "bank"\nhosts = ["example.org"]\nstrategy = "pass"\n';
    const learning = learn("", bank + RULES);
    learning.enter(HOME);
    fail(learning, 30);
    expect(ahead()).toEqual([]);
  });

  test("a pinned host stays with its strategy whatever fails, and what failed is noted", () => {
    memory.pin(ANY_NETWORK, HOST, "tls: split(7)", START_DATE);
    const learning = learn();
    learning.enter(HOME);
    fail(learning, 30);
    expect(ahead()).toEqual([[[`=${HOST}`], "tls: split(7)"]]);
    expect(learning.figures).toMatchObject({ pinned: 1, learned: 0, changes: { reset: 0 } });
    expect(memory.tried("home", HOST)).toMatchObject([{ strategy: "tls: split(7)", failed: 1 }]);
  });

  test("what is pinned in all networks holds before the network is known", () => {
    memory.pin(ANY_NETWORK, HOST, "tls: split(7)", START_DATE);
    const learning = learn();
    expect(ahead(learning.effective(learning.parts.profile))).toEqual([[[`=${HOST}`], "tls: split(7)"]]);
  });

  test("what somebody pins or forgets is in force at once; what cannot be is refused and undone", () => {
    const learning = learn();
    learning.enter(HOME);
    memory.pin("home", HOST, "tls: split(7)");
    learning.reread();
    expect(ahead()).toEqual([[[`=${HOST}`], "tls: split(7)"]]);
    memory.forget();
    learning.reread();
    expect(ahead()).toEqual([]);
    refusal = new Error("refused");
    memory.pin("home", HOST, "tls: split(7)");
    expect(() => learning.reread()).toThrow("refused");
    expect(learning.figures.pinned).toBe(0);
  });

  test("a strategy that cannot be put in force is given up, and the service goes on", () => {
    const learning = learn('candidates = ["tls: split(1)"]\n');
    learning.enter(HOME);
    refusal = new Error("refused");
    fail(learning, 3);
    expect(failed).toEqual(["strategy not applied"]);
    expect(learning.effective(learning.parts.profile)).toBe(learning.parts.profile);
  });

  test("forgets by itself what was true too long ago", () => {
    const learning = learn('candidates = ["tls: split(1)"]\n');
    learning.enter(HOME);
    fail(learning, 3);
    page(learning, true);
    expect(ahead()).toHaveLength(1);
    nowMs += 60 * 24 * 3600_000;
    learning.tick();
    expect(ahead()).toEqual([]);
    expect(told().at(-1)).toBe("strategy outdated");
  });

  test("another profile is in force with what was learnt", () => {
    const learning = learn('candidates = ["tls: split(1)"]\n');
    learning.enter(HOME);
    fail(learning, 3);
    const next = parseProfile('[[rule]]\nname = "new"\nstrategy = "tls: split(2)"\n');
    expect(ahead(learning.effective(next))).toEqual([[[`=${HOST}`], "tls: split(1)"]]);
    learning.use(next);
    const first = parseProfile('[[rule]]\nname = "new"\nstrategy = "tls: split(1)"\n');
    expect(learning.effective(first)).toBe(first);
  });
});

describe("[memory]", () => {
  test("remember: hosts that always worked are written where it says all", () => {
    for (const [section, hosts] of [
      ["", []],
      ['remember = "all"\n', [HOST]],
    ] as const) {
      const learning = learn(section);
      learning.enter(HOME);
      page(learning, true);
      expect(memory.hosts("home").map(({ host }) => host)).toEqual([...hosts]);
    }
  });

  test("failures, window_seconds: how many make a strategy suspect, within which time", () => {
    const changesOf = (section: string): number | undefined => {
      const learning = learn(section);
      learning.enter({ fingerprint: section, label: "" });
      fail(learning, 5, `h${flows}.example.org`);
      return learning.figures.changes["reset"];
    };
    expect(changesOf('failures = 5\ncandidates = ["tls: split(1)"]\n')).toBe(1);
    expect(changesOf('failures = 6\ncandidates = ["tls: split(1)"]\n')).toBe(0);
    expect(changesOf('failures = 3\nwindow_seconds = 2\ncandidates = ["tls: split(1)"]\n')).toBe(0);
  });

  test("throttled_kib, throttled_seconds: what is slow, and for how long", () => {
    const failuresOf = (section: string): number | undefined => {
      const learning = learn(section);
      learning.enter({ fingerprint: section, label: "" });
      download(learning, 16, 6);
      return learning.figures.failures["throttle"];
    };
    expect(failuresOf("throttled_kib = 20\nthrottled_seconds = 5\n")).toBe(1);
    expect(failuresOf("throttled_kib = 20\nthrottled_seconds = 7\n")).toBe(0);
    expect(failuresOf("throttled_kib = 16\nthrottled_seconds = 5\n")).toBe(0);
    expect(failuresOf("throttled_kib = 0\n")).toBe(0);
  });

  test("tries_per_hour, candidates: how many strategies are tried, and which", () => {
    const tried = Array.from({ length: 9 }, (_, i) => `tls: split(${i + 10})`);
    const learning = learn(`tries_per_hour = 4\ncandidates = ${JSON.stringify(tried)}\n`);
    learning.enter(HOME);
    fail(learning, 40);
    const changes = news.filter(({ event }) => event === "strategy changed");
    expect(changes.map(({ fields }) => String(fields["to"]))).toEqual(tried.slice(0, 4));
    expect(told().at(-1)).toBe("no strategy works");
  });

  test("watch: failures are noted and nothing is changed where it is off", () => {
    const learning = learn("watch = false\n");
    learning.enter(HOME);
    fail(learning, 9);
    expect(ahead()).toEqual([]);
    expect(memory.tried("home", HOST)).toMatchObject([{ failed: 1 }]);
  });
});
