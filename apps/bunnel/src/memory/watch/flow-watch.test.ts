import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FLOWS_MAX, FlowWatch, RESET_WITHIN_MS, WATCH_MAX_MS, WORKED_BYTES } from "./flow-watch.ts";
import type { FlowVerdict, SocketFigures, StreamSeen } from "./seen.ts";

const A = "192.0.2.7:40000 203.0.113.9:443";
const B = "192.0.2.7:40001 203.0.113.10:443";
const HOST = "video.example.org";

const NOTHING = { received: 0, unacked: 0, retransmits: 0, silentMs: 0, unread: 0, outOfOrder: 0 };
const hello = (flow = A, kind: "tls" | "http" = "tls"): StreamSeen => ({
  seen: "hello",
  flow,
  host: HOST,
  kind,
  seq: 7,
});
const synAck = (flow = A): StreamSeen => ({ seen: "synAck", flow, hopLimit: 55, seq: 1000 });
const reset = (bytes: number, hopLimit = 55): StreamSeen => ({ seen: "reset", flow: A, hopLimit, seq: 1001 + bytes });
const end = (bytes: number): StreamSeen => ({ seen: "end", flow: A, hopLimit: 55, seq: 1001 + bytes });
const socket = (figures: Partial<SocketFigures>): StreamSeen => {
  return { seen: "socket", flow: A, ...NOTHING, ...figures };
};

/** Plays `seen` with times, and gives what was said. */
function play(...seen: readonly (readonly [number, StreamSeen])[]): FlowVerdict[] {
  const watch = new FlowWatch();
  return seen.flatMap(([now, each]) => watch.take(each, now));
}

describe("FlowWatch", () => {
  test("a reset right behind the message is a failure, one from elsewhere a graver one", () => {
    const told = { host: HOST, kind: "tls", helloAt: 2, symptom: "reset" } as const;
    expect(play([1, synAck()], [2, hello()], [3, reset(0)])).toEqual([{ ...told, weight: 1 }]);
    expect(play([1, synAck()], [2, hello()], [3, reset(0, 60)])).toEqual([{ ...told, weight: 1.5 }]);
    expect(play([1, synAck()], [2, hello()], [3, end(0)])).toEqual([{ ...told, weight: 1 }]);
  });

  test("it makes no difference whether the message or the server's answer to the SYN is told of first", () => {
    expect(play([2, hello()], [2, synAck()], [2, end(5000)])).toMatchObject([{ symptom: undefined }]);
    expect(play([2, hello()], [2, synAck()], [2, reset(0, 60)])).toMatchObject([{ symptom: "reset", weight: 1.5 }]);
    const anew: StreamSeen = { seen: "synAck", flow: A, hopLimit: 55, seq: 77_000 };
    expect(play([1, synAck()], [2, hello()], [50, anew], [51, hello()], [52, reset(0)])).toMatchObject([
      { helloAt: 51 },
    ]);
  });

  test("a refusal, and a reset that is late or behind an answer, are none", () => {
    expect(play([1, reset(0)])).toEqual([]);
    expect(play([1, synAck()], [2, reset(0)], [3, hello()])).toEqual([]);
    expect(play([1, synAck()], [2, hello()], [3 + RESET_WITHIN_MS, reset(0)])).toEqual([]);
    expect(play([1, synAck()], [2, hello()], [3, reset(20_000)])).toEqual([]);
    expect(play([1, synAck()], [2, hello()], [3, end(7)])).toEqual([]);
  });

  test("what ends with an answer worked, and so did what brought a lot", () => {
    const told = [{ host: HOST, symptom: undefined, helloAt: 2 }];
    expect(play([1, synAck()], [2, hello()], [3, end(5000)])).toMatchObject(told);
    expect(play([1, synAck()], [2, hello()], [3, end(5_000_000)])).toMatchObject([{ ...told[0], bytes: 5_000_000 }]);
    expect(play([2, hello()], [3, socket({ received: WORKED_BYTES })])).toMatchObject(told);
    expect(play([2, hello()], [3, socket({ received: 900 })], [4, end(0)])).toMatchObject(told);
  });

  test("a page that is over before anybody looked at its socket worked, however large", () => {
    const told = [{ host: HOST, symptom: undefined, helloAt: 2 }];
    expect(play([1, synAck()], [2, hello()], [3, end(WORKED_BYTES + 1)])).toMatchObject(told);
    expect(play([1, synAck()], [2, hello()], [3, end(5_000_000)])).toMatchObject(told);
    expect(play([1, synAck()], [2, hello()], [3, reset(5_000_000)])).toEqual([]);
    // A forged one that stands so far in the window is one all the same.
    const forged = [{ host: HOST, symptom: "reset", weight: 1.5 }];
    expect(play([1, synAck()], [2, hello()], [3, reset(5_000_000, 60)])).toMatchObject(forged);
  });

  test("silence is a message that is not acknowledged while others are heard", () => {
    const lost = socket({ unacked: 1, retransmits: 3 });
    expect(play([1, hello()], [3000, lost])).toEqual([]);
    expect(play([1, hello()], [100, synAck(B)], [3000, lost])).toEqual([]);
    expect(play([1, hello()], [3000, lost], [3500, synAck()])).toEqual([]);
    const heard = play([1, hello()], [3000, lost], [3500, synAck(B)]);
    expect(heard).toMatchObject([{ symptom: "silence", host: HOST, helloAt: 1 }]);
    expect(play([1, hello()], [3000, synAck(B)], [3500, lost])).toHaveLength(1);
    // The server has it and thinks.
    expect(play([1, hello()], [9000, socket({})], [9500, synAck(B)])).toEqual([]);
  });

  test("where there is no socket, a message that comes up again and again is silence too", () => {
    const again = [1, 2, 3, 4].map((second) => [second * 1000, hello()] as const);
    expect(play(...again, [5000, synAck(B)])).toMatchObject([{ symptom: "silence" }]);
    const others = [1, 2, 3, 4].map((seq) => [seq * 1000, { ...hello(), seq } as StreamSeen] as const);
    expect(play(...others, [5000, synAck(B)])).toEqual([]);
  });

  test("who gives up a message that was never acknowledged saw silence; who gives up at once did not", () => {
    const unheard = socket({ unacked: 1, retransmits: 1 });
    const gone: StreamSeen = { seen: "gone", flow: A };
    expect(play([1, hello()], [1000, unheard], [2500, gone], [2600, synAck(B)])).toMatchObject([
      { symptom: "silence" },
    ]);
    expect(play([1, hello()], [300, unheard], [600, gone], [2600, synAck(B)])).toEqual([]);
    expect(play([1, hello()], [2500, gone], [2600, synAck(B)])).toEqual([]);
  });

  test("a flow that stops behind some kilobytes is frozen, an idle one is not", () => {
    const came = socket({ received: 17_000 });
    const stuck = socket({ received: 17_000, unacked: 1, retransmits: 3, silentMs: 4000 });
    const idle = socket({ received: 17_000, silentMs: 60_000 });
    expect(play([1, hello()], [500, came], [5000, stuck], [5100, synAck(B)])).toMatchObject([{ symptom: "freeze" }]);
    expect(play([1, hello()], [500, came], [60_000, idle], [60_100, synAck(B)])).toEqual([]);
    const small = socket({ received: 900, unacked: 1, retransmits: 3 });
    expect(play([1, hello()], [5000, small], [5100, synAck(B)])).toEqual([]);
  });

  test("what goes on after all was not frozen", () => {
    const stuck = socket({ received: 17_000, unacked: 1, retransmits: 3, silentMs: 4000 });
    const on = socket({ received: 30_000 });
    expect(play([1, hello()], [5000, stuck], [6000, on], [7000, synAck(B)])).toEqual([]);
  });

  test("a redirect counts where it came from elsewhere, and for HTTP alone", () => {
    const redirect = (hopLimit: number): StreamSeen => ({ seen: "redirect", flow: A, hopLimit });
    expect(play([1, synAck()], [2, hello(A, "http")], [3, redirect(60)])).toMatchObject([{ symptom: "redirect" }]);
    expect(play([1, synAck()], [2, hello(A, "http")], [3, redirect(55)])).toEqual([]);
    expect(play([1, synAck()], [2, hello()], [3, redirect(60)])).toEqual([]);
  });

  test("a whole answer that comes from elsewhere is a page of the box", () => {
    const page: StreamSeen = { seen: "end", flow: A, hopLimit: 60, seq: 1101 };
    expect(play([1, synAck()], [2, hello(A, "http")], [3, page])).toMatchObject([{ symptom: "redirect", weight: 1.5 }]);
  });

  test("forgets what is watched for too long, and has room for so many", () => {
    const watch = new FlowWatch();
    for (let i = 0; i < FLOWS_MAX + 10; i++) watch.take(hello(`f${i}`), i);
    expect(watch.watched).toHaveLength(FLOWS_MAX);
    expect(watch.watched).not.toContain("f9");
    watch.tick(FLOWS_MAX + 10 + WATCH_MAX_MS);
    expect(watch.watched).toEqual([]);
  });

  test("whatever is seen in whatever order, each message is judged once at most, and nothing without one", () => {
    const flow = fc.constantFrom("a b", "c d", "e f");
    const hopLimit = fc.integer({ min: 1, max: 255 });
    const seq = fc.nat(0xffff_ffff);
    const figure = fc.nat(100_000);
    const figures = { received: figure, unacked: fc.nat(3), retransmits: fc.nat(5), silentMs: figure };
    const seen = fc.oneof(
      fc.record({
        seen: fc.constant("hello"),
        flow,
        host: fc.constant(HOST),
        kind: fc.constant("http"),
        seq: fc.nat(2),
      }),
      fc.record({ seen: fc.constantFrom("synAck", "reset", "end"), flow, hopLimit, seq }),
      fc.record({ seen: fc.constant("redirect"), flow, hopLimit }),
      fc.record({ seen: fc.constant("socket"), flow, ...figures }),
      fc.record({ seen: fc.constant("gone"), flow }),
    ) as fc.Arbitrary<StreamSeen>;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3000), seen), { maxLength: 80 }), (steps) => {
        const watch = new FlowWatch();
        let now = 0;
        let hellos = 0;
        let judged = 0;
        for (const [pause, each] of steps) {
          now += pause;
          if (each.seen === "hello") hellos++;
          const verdicts = [...watch.take(each, now), ...watch.tick(now)];
          judged += verdicts.length;
          for (const { helloAt, weight } of verdicts) {
            expect(helloAt).toBeLessThanOrEqual(now);
            expect(weight).toBeGreaterThan(0);
          }
          expect(judged).toBeLessThanOrEqual(hellos);
        }
      }),
    );
  });
});
