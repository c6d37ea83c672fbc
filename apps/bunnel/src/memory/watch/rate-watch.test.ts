import { describe, expect, test } from "bun:test";
import { FREE_BYTES, RATE_FLOWS_MAX, RATE_WATCH_MAX_MS, RateWatch } from "./rate-watch.ts";
import type { FlowVerdict, SocketFigures, StreamSeen } from "./seen.ts";

const FLOW = "192.0.2.7:40000 203.0.113.9:443";
const OTHER = "192.0.2.7:40001 203.0.113.10:443";
const HOST = "video.example.org";
const KIB = 1024;
const SETTINGS = { slowBytesPerSecond: 32 * KIB, slowMs: 8_000 };

/** What one second of a flow brings. */
interface Second {
  readonly bytes: number;
  /** Segments behind a gap. */
  readonly gaps?: number;
  readonly unread?: number;
}

const hello = (flow = FLOW, host = HOST): StreamSeen => ({ seen: "hello", flow, host, kind: "tls", seq: 7 });
const socket = (flow: string, figures: Partial<SocketFigures>): StreamSeen => {
  const nothing = { received: 0, unacked: 0, retransmits: 0, silentMs: 0, unread: 0, outOfOrder: 0 };
  return { seen: "socket", flow, ...nothing, ...figures };
};
/** A policer of 16 KiB/s, as the system counts it: gaps in every other second. */
const throttled = (second: number): Second => ({ bytes: 16 * KIB, gaps: second % 2 });

/** A flow second by second beside another host's, which brings 1 MiB each second unless it is said otherwise. */
function play(
  seconds: number,
  each: (second: number) => Second,
  other: (second: number) => number = () => 1024 * KIB,
): FlowVerdict[] {
  const watch = new RateWatch(SETTINGS);
  const verdicts = [...watch.take(hello(), 0)];
  let received = 0;
  let outOfOrder = 0;
  let others = 0;
  for (let second = 1; second <= seconds; second++) {
    // The other one is a new flow each second: what is quick is not watched for long.
    if (other(second) > 0) {
      verdicts.push(...watch.take(hello(`${OTHER}${second}`, "other.example.org"), second * 1000 - 999));
      others = other(second);
      verdicts.push(...watch.take(socket(`${OTHER}${second}`, { received: others }), second * 1000 - 1));
    }
    const { bytes, gaps = 0, unread = 0 } = each(second);
    received += bytes;
    outOfOrder += gaps;
    verdicts.push(...watch.take(socket(FLOW, { received, outOfOrder, unread }), second * 1000));
  }
  return verdicts.filter(({ host }) => host === HOST);
}

describe("RateWatch", () => {
  test("a flow that is held back for eight seconds while another is quick is throttled, and told of once", () => {
    const told = { host: HOST, kind: "tls", helloAt: 0, symptom: "throttle", weight: 0.75 } as const;
    expect(play(7, throttled)).toEqual([]);
    expect(play(8, throttled)).toEqual([told]);
    expect(play(100, throttled)).toEqual([told]);
  });

  test("where every flow is slow it is the network", () => {
    expect(play(60, throttled, () => 0)).toEqual([]);
    expect(play(60, throttled, () => 20 * KIB)).toEqual([]);
  });

  test("another flow of the same host proves nothing of the network", () => {
    const watch = new RateWatch(SETTINGS);
    watch.take(hello(), 0);
    for (let second = 1; second <= 30; second++) {
      watch.take(hello(`${OTHER}${second}`), second * 1000 - 999);
      watch.take(socket(`${OTHER}${second}`, { received: 200 * KIB }), second * 1000 - 1);
      const figures = { received: second * 16 * KIB, outOfOrder: second };
      expect(watch.take(socket(FLOW, figures), second * 1000)).toEqual([]);
    }
  });

  test("a connection of nobody's host, and an answer between two looks, prove it", () => {
    for (const isPage of [true, false]) {
      const watch = new RateWatch(SETTINGS);
      watch.take(hello(), 0);
      const verdicts: FlowVerdict[] = [];
      for (let second = 1; second <= 8; second++) {
        if (isPage && second === 5) watch.brought("other.example.org", 100 * KIB, 250, 5000);
        if (!isPage) watch.take({ seen: "other", flow: "", bytesPerSecond: 70 * KIB }, second * 1000);
        const figures = { received: second * 16 * KIB, outOfOrder: second };
        verdicts.push(...watch.take(socket(FLOW, figures), second * 1000));
      }
      expect(verdicts).toMatchObject([{ symptom: "throttle" }]);
    }
  });

  test("a server that is slow for everybody drops nothing", () => {
    expect(play(100, () => ({ bytes: 16 * KIB }))).toEqual([]);
    // A gap now and then is what any network has.
    expect(play(100, (second) => ({ bytes: 16 * KIB, gaps: second % 5 === 0 ? 4 : 0 }))).toEqual([]);
  });

  test("an idle or chatty connection, and a long poll, are not slow transfers", () => {
    expect(play(100, () => ({ bytes: 0 }))).toEqual([]);
    expect(play(100, () => ({ bytes: 300, gaps: 1 }))).toEqual([]);
    expect(play(100, (second) => ({ bytes: second % 25 === 0 ? 10 * KIB : 0, gaps: 1 }))).toEqual([]);
    expect(play(100, (second) => ({ bytes: second % 4 === 0 ? 30 * KIB : 0, gaps: 1 }))).toEqual([]);
  });

  test("a film that is fetched in bursts is not slow for long", () => {
    expect(play(20, (second) => ({ bytes: second % 6 === 0 ? 90 * KIB : 4 * KIB, gaps: 1 }))).toEqual([]);
    expect(play(20, (second) => ({ bytes: second % 5 === 0 ? 200 * KIB : 0, gaps: 1 }))).not.toContainEqual(
      expect.objectContaining({ symptom: "throttle" }),
    );
  });

  test("a program that reads slowly is the limit itself", () => {
    expect(play(100, () => ({ bytes: 16 * KIB, gaps: 1, unread: 100 * KIB }))).toEqual([]);
  });

  test("one quick second begins anew, and a look that came late says nothing", () => {
    expect(play(14, (second) => (second === 7 ? { bytes: 40 * KIB, gaps: 1 } : throttled(second)))).toEqual([]);
    const watch = new RateWatch(SETTINGS);
    watch.take(hello(), 0);
    watch.take({ seen: "other", flow: "", bytesPerSecond: 1e6 }, 1);
    for (let look = 1; look < 10; look++) {
      watch.take({ seen: "other", flow: "", bytesPerSecond: 1e6 }, look * 6000);
      const figures = { received: look * 96 * KIB, outOfOrder: look };
      expect(watch.take(socket(FLOW, figures), look * 6000)).toEqual([]);
    }
  });

  test("what brought a lot is told of as quick, also behind a burst only where it goes on", () => {
    expect(play(2, () => ({ bytes: 200 * KIB }))).toEqual([
      { host: HOST, kind: "tls", helloAt: 0, symptom: undefined, weight: 1, isQuick: true },
    ]);
    const burst = (second: number): Second => (second === 1 ? { bytes: 100 * KIB } : throttled(second));
    expect(play(12, burst)).toMatchObject([{ symptom: "throttle" }]);
    expect(FREE_BYTES).toBeGreaterThan(200 * KIB);
  });

  test("a kernel that counts no gaps, and a threshold of 0, show nothing", () => {
    const watch = new RateWatch({ ...SETTINGS, slowBytesPerSecond: 0 });
    watch.take(hello(), 0);
    expect([...watch.watched]).toEqual([]);
    const blind = new RateWatch(SETTINGS);
    blind.take(hello(), 0);
    for (let second = 1; second < 30; second++) {
      blind.take({ seen: "other", flow: "", bytesPerSecond: 1e6 }, second * 1000);
      const figures = { received: second * 16 * KIB, outOfOrder: undefined };
      expect(blind.take(socket(FLOW, figures), second * 1000)).toEqual([]);
      expect(blind.isAnySlow).toBe(second % 8 !== 0);
    }
  });

  test("forgets what has ended or is watched for too long, and has room for so many", () => {
    const watch = new RateWatch(SETTINGS);
    for (let i = 0; i < RATE_FLOWS_MAX + 10; i++) watch.take(hello(`f${i}`), i);
    expect([...watch.watched]).toHaveLength(RATE_FLOWS_MAX);
    watch.take({ seen: "gone", flow: "f20" }, 300);
    expect([...watch.watched]).not.toContain("f20");
    watch.tick(RATE_FLOWS_MAX + 10 + RATE_WATCH_MAX_MS);
    expect([...watch.watched]).toEqual([]);
  });
});
