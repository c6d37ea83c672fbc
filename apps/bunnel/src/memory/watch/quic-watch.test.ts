import { describe, expect, test } from "bun:test";
import { DATA_MIN, QUIC_FLOWS_MAX, QUIC_WATCH_MAX_MS, QuicWatch } from "./quic-watch.ts";
import type { FlowVerdict, Seen } from "./seen.ts";

const FLOW = "quic 192.0.2.7:40000 203.0.113.9:443";
const HOST = "video.example.org";

const initial = (flow = FLOW, id = "a1"): Seen => ({ seen: "initial", flow, host: HOST, id });
const answer = (isLong: boolean, flow = FLOW): Seen => ({ seen: "answer", flow, isLong });
const other: Seen = answer(true, "quic 192.0.2.7:40001 203.0.113.10:443");
const silent = { host: HOST, kind: "quic", helloAt: 0, symptom: "silence", weight: 1 } as const;

/** Plays `seen` with times, and gives what was said. */
function play(...seen: readonly (readonly [number, Seen])[]): FlowVerdict[] {
  const watch = new QuicWatch();
  return seen.flatMap(([now, each]) => watch.take(each, now));
}

const thrice = [0, 1000, 3000, 7000].map((now) => [now, initial()] as const);

describe("QuicWatch", () => {
  test("a hello that was sent again three times without an answer is silence, while others are heard", () => {
    expect(play(...thrice)).toEqual([]);
    expect(play(...thrice, [7100, other])).toEqual([silent]);
    expect(play([0, initial()], [600, other], ...thrice.slice(1))).toEqual([silent]);
    expect(play(...thrice.slice(0, 3), [7100, other])).toEqual([]);
    // What was on its way already is no sign of life.
    expect(play([0, initial()], [100, other], ...thrice.slice(1))).toEqual([]);
  });

  test("datagrams of one flight are sent once", () => {
    const flight = [0, 1, 2, 3, 150].map((now) => [now, initial()] as const);
    expect(play(...flight, [7100, other])).toEqual([]);
  });

  test("a connection that is answered is not silent, however often the client says something", () => {
    expect(play([0, initial()], [50, answer(true)], ...thrice.slice(1), [7100, other])).toEqual([]);
  });

  test("a server that sends its handshake again three times does not hear the client", () => {
    const repeated = [50, 1000, 3000, 7000].map((now) => [now, answer(true)] as const);
    expect(play([0, initial()], ...repeated)).toEqual([]);
    expect(play([0, initial()], ...repeated, [7100, other])).toEqual([silent]);
    const heard = [4000, answer(false)] as const;
    expect(play([0, initial()], ...repeated.slice(0, 3), heard, [7000, answer(true)], [7100, other])).toEqual([]);
  });

  test("many datagrams behind the handshake: it worked; a few may have been sent blindly", () => {
    const data = Array.from({ length: DATA_MIN }, (_, i) => [100 + i, answer(false)] as const);
    expect(play([0, initial()], [50, answer(true)], ...data.slice(1))).toEqual([]);
    expect(play([0, initial()], [50, answer(true)], ...data)).toEqual([{ ...silent, symptom: undefined }]);
  });

  test("another connection from the same port begins anew, the name that the server gave it does not", () => {
    const anew = [5000, 7000].map((now) => [now, initial(FLOW, "b2")] as const);
    expect(play(...thrice.slice(0, 3), ...anew, [7100, other])).toEqual([]);
    const renamed = [1000, 3000, 7000].map((now) => [now, initial(FLOW, "c3")] as const);
    expect(play([0, initial()], [50, answer(true)], ...renamed, [7100, other])).toEqual([]);
  });

  test("where answers may have been missed, nothing is said", () => {
    expect(play(...thrice, [7050, { seen: "unheard", flow: "" }], [7100, other])).toEqual([]);
  });

  test("knows whose hello it has seen, forgets what is watched for too long, and has room for so many", () => {
    const watch = new QuicWatch();
    for (let i = 0; i < QUIC_FLOWS_MAX + 5; i++) watch.take(initial(`f${i}`), i);
    expect([...watch.watched]).toHaveLength(QUIC_FLOWS_MAX);
    const [gone, known, another] = [watch.hostOf("f4", "a1"), watch.hostOf("f5", "a1"), watch.hostOf("f5", "b2")];
    expect([gone, known, another]).toEqual([undefined, HOST, undefined]);
    watch.tick(QUIC_WATCH_MAX_MS + QUIC_FLOWS_MAX + 5);
    expect([...watch.watched]).toEqual([]);
  });
});
