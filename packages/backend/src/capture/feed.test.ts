import { expect, test } from "bun:test";
import { CaptureFeed } from "./feed.ts";
import { CaptureKind, CaptureLevel, CaptureRing, type CaptureRecord } from "./ring.ts";

const SMALL_BYTES = 4096;

function recordOf(number: number, rule = -1, bytes = 100): CaptureRecord {
  const said = { kind: CaptureKind.Before, verdict: 0, reason: 0, l7: 0, delayMs: 0, index: 0, count: 0, timeMs: 0 };
  return { ...said, number, rule, octets: new Uint8Array(bytes) };
}

function open(): { readonly feed: CaptureFeed; readonly rings: readonly [CaptureRing, CaptureRing] } {
  const rings = [0, 1].map(() => new CaptureRing(CaptureRing.memory(SMALL_BYTES)));
  const [a, b] = rings;
  if (a === undefined || b === undefined) throw new Error("expected two rings");
  return { feed: new CaptureFeed(rings, (rule) => (rule === 5 ? 2 : undefined)), rings: [a, b] };
}

test("CaptureFeed gives what all queues copied, the rules as the profile counts them", () => {
  const { feed, rings } = open();
  feed.level = CaptureLevel.Messages;
  expect(rings.map(({ level }) => level)).toEqual([CaptureLevel.Messages, CaptureLevel.Messages]);
  rings[1].write([recordOf(1, 5)]);
  rings[0].write([recordOf(2, -1), recordOf(3, 6)]);
  expect(feed.take(SMALL_BYTES).map(({ number, rule }) => [number, rule])).toEqual([
    [2, -1],
    [3, -1],
    [1, 2],
  ]);
  expect(feed.take(SMALL_BYTES)).toEqual([]);
});

test("CaptureFeed stops within one queue and goes on there", () => {
  const { feed, rings } = open();
  feed.level = CaptureLevel.Packets;
  rings[0].write([recordOf(1), recordOf(2), recordOf(3)]);
  rings[1].write([recordOf(4)]);
  expect(feed.take(150).map(({ number }) => number)).toEqual([1, 2]);
  expect(feed.take(SMALL_BYTES).map(({ number }) => number)).toEqual([3, 4]);
});

test("CaptureFeed counts what was lost since it was switched on", () => {
  const { feed, rings } = open();
  feed.level = CaptureLevel.Packets;
  rings[0].write([recordOf(1, -1, 5000)]);
  expect(feed.lost).toBe(1);
  feed.level = CaptureLevel.Off;
  feed.level = CaptureLevel.Packets;
  rings[1].write([recordOf(1, -1, 5000), recordOf(2)]);
  expect(feed.lost).toBe(2);
});
