import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { HOSTS_MAX, HostWatch, IN_FORCE_MS, REST_MS, type Step } from "./host-watch.ts";
import type { FlowVerdict } from "./seen.ts";

const HOST = "video.example.org";
const SETTINGS = { failures: 3, windowMs: 60_000, triesPerHour: 4 };
const CANDIDATES = ["a", "b", "c"];

function watchOf(settings = SETTINGS, candidates: readonly string[] = CANDIDATES): HostWatch {
  return new HostWatch(settings, (_host, _kind, tried) => candidates.find((each) => !tried.has(each)));
}

function verdict(helloAt: number, symptom: FlowVerdict["symptom"], weight = 1, host = HOST): FlowVerdict {
  return { host, kind: "tls", helloAt, symptom, weight };
}

/** A failure each second from `from` on. */
function fail(watch: HostWatch, from: number, count: number, weight = 1): Step[] {
  const steps: Step[] = [];
  for (let i = 0; i < count; i++) {
    const now = from + i * 1000;
    const step = watch.take(verdict(now, "reset", weight), now);
    if (step !== undefined) steps.push(step);
  }
  return steps;
}

describe("HostWatch", () => {
  test("three failures within the window change the strategy, two do not", () => {
    const watch = watchOf();
    expect(fail(watch, 0, 2)).toEqual([]);
    expect(fail(watch, 2000, 1)).toEqual([
      { step: "try", host: HOST, from: undefined, to: "a", symptom: "reset", failures: 3 },
    ]);
    expect(fail(watchOf(), 0, 2, 1.5)).toMatchObject([{ to: "a" }]);
    const slow = watchOf();
    for (const now of [0, 40_000, 80_000, 120_000]) expect(slow.take(verdict(now, "silence"), now)).toBeUndefined();
  });

  test("a page that comes in between makes it begin anew", () => {
    const watch = watchOf();
    fail(watch, 0, 2);
    expect(watch.take(verdict(2000, undefined), 2000)).toMatchObject({ step: "works", isNew: false });
    expect(fail(watch, 3000, 2)).toEqual([]);
  });

  test("connections that were opened together are one failure", () => {
    const watch = watchOf();
    for (let i = 0; i < 12; i++) expect(watch.take(verdict(i, "reset"), 50 + i)).toBeUndefined();
  });

  test("a failure right behind the change may be of the strategy before, a page is not", () => {
    const watch = watchOf();
    fail(watch, 0, 3);
    // The change was at 2000; from elsewhere, so that one of them would be enough.
    expect(watch.take(verdict(2000 + IN_FORCE_MS - 1, "reset", 1.5), 2500)).toBeUndefined();
    expect(watch.take(verdict(2001, undefined), 2600)).toMatchObject({ step: "works", strategy: "a" });
    const other = watchOf();
    fail(other, 0, 3);
    expect(other.take(verdict(2000 + IN_FORCE_MS, "reset", 1.5), 2500)).toMatchObject({ step: "try", to: "b" });
  });

  test("what went out before the change says nothing of what is tried now", () => {
    const watch = watchOf();
    fail(watch, 0, 3);
    for (let i = 0; i < 9; i++) expect(watch.take(verdict(i * 150, "reset"), 3000 + i)).toBeUndefined();
    expect(watch.take(verdict(1500, undefined), 3100)).toBeUndefined();
    expect(watch.take(verdict(3200, undefined), 3300)).toEqual({
      step: "works",
      host: HOST,
      strategy: "a",
      isNew: true,
    });
  });

  test("on trial two failures are enough, or one from elsewhere", () => {
    const watch = watchOf();
    fail(watch, 0, 3);
    expect(fail(watch, 3000, 2)).toMatchObject([{ step: "try", from: "a", to: "b" }]);
    expect(fail(watch, 9000, 1, 1.5)).toMatchObject([{ step: "try", from: "b", to: "c" }]);
  });

  test("when nothing helped it goes back to the first, rests, and rests longer the next time", () => {
    const watch = watchOf({ ...SETTINGS, triesPerHour: 100 });
    expect(fail(watch, 0, 9).at(-1)).toEqual({
      ...{ step: "rest", host: HOST, from: "c", restMs: REST_MS, symptom: "reset", failures: 2 },
    });
    expect(fail(watch, 10_000, 50)).toEqual([]);
    const later = REST_MS + 20_000;
    expect(fail(watch, later, 9).map(({ step }) => step)).toEqual(["try", "try", "try", "rest"]);
    expect(fail(watch, later + 2 * REST_MS + 20_000, 9).at(-1)).toMatchObject({ restMs: 4 * REST_MS });
  });

  test("tries so many in an hour", () => {
    const watch = watchOf(SETTINGS, ["a", "b", "c", "d", "e", "f"]);
    expect(fail(watch, 0, 20).map(({ step }) => step)).toEqual(["try", "try", "try", "try", "rest"]);
  });

  test("a host that is pinned stays as it is", () => {
    const watch = watchOf();
    for (let i = 0; i < 9; i++) expect(watch.take(verdict(i * 1000, "reset"), i * 1000, true)).toBeUndefined();
  });

  test("what was assigned is what fails, and then does not come again", () => {
    const watch = watchOf();
    watch.assign(HOST, "b");
    expect(fail(watch, 0, 3)).toMatchObject([{ from: "b", to: "a" }]);
    expect(fail(watch, 5000, 2)).toMatchObject([{ from: "a", to: "c" }]);
    watch.assign(HOST, undefined);
    expect(watch.size).toBe(0);
  });

  test("hosts that always work take no room, and others so much at most", () => {
    const watch = watchOf();
    for (let i = 0; i < HOSTS_MAX + 5; i++) {
      watch.take(verdict(i, undefined, 1, `w${i}.example.org`), i);
      watch.take(verdict(i, "reset", 1, `f${i}.example.org`), i);
    }
    expect(watch.size).toBe(HOSTS_MAX);
  });

  test("whatever happens: tries within an hour are bounded, and none comes twice before something works", () => {
    const step = fc.record({
      pauseMs: fc.nat(120_000),
      symptom: fc.constantFrom("reset" as const, "silence" as const, "freeze" as const, undefined),
      weight: fc.constantFrom(1, 1.5),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const watch = watchOf({ ...SETTINGS, triesPerHour: 5 }, ["a", "b", "c", "d"]);
        let now = 0;
        let round = new Set<string>();
        let tries: number[] = [];
        for (const { pauseMs, symptom, weight } of steps) {
          now += pauseMs;
          const done = watch.take(verdict(now, symptom, weight), now);
          if (done?.step === "works" || done?.step === "rest") round = new Set();
          if (done?.step !== "try") continue;
          expect(symptom).toBeDefined();
          expect(round.has(done.to)).toBe(false);
          round.add(done.to);
          tries = [...tries.filter((at) => now - at < 3600_000), now];
          expect(tries.length).toBeLessThanOrEqual(5);
        }
      }),
    );
  });
});
