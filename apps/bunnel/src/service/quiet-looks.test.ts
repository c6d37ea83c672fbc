import { afterEach, beforeEach, expect, test } from "bun:test";
import { CaptureFeed, CaptureLevel, CaptureRing } from "@bunnel/backend";
import { QuietLooks } from "./quiet-looks.ts";

let ring: CaptureRing;
let nextLookMs: number;
let did: string[];
let looks: QuietLooks;

beforeEach(() => {
  ring = new CaptureRing(CaptureRing.memory());
  ring.level = CaptureLevel.Heads;
  nextLookMs = Infinity;
  did = [];
  const captured = new CaptureFeed([ring], (rule) => rule);
  const hearer = {
    begin: () => void did.push("begin"),
    take: (records: readonly unknown[]) => void did.push(`take ${records.length}`),
    nextLookMs: () => nextLookMs,
  };
  looks = new QuietLooks(captured, hearer, () => {
    did.push("look");
    ring.read(1 << 20, () => undefined);
  });
});

afterEach(() => looks[Symbol.dispose]());

function write(): void {
  const said = {
    kind: 0,
    verdict: 0,
    reason: 0,
    l7: 0,
    rule: -1,
    delayMs: 0,
    index: 0,
    count: 0,
    number: 0,
    timeMs: 0,
  };
  ring.writeOne(said, Uint8Array.of(7), 0, 1);
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 30_000 && !condition(); i++) await Bun.sleep(1);
  expect(condition()).toBe(true);
}

test("QuietLooks takes up what arrived before a message, and looks for both behind it", async () => {
  write();
  await until(() => did.includes("look"));
  expect(did.slice(0, 3)).toEqual(["begin", "take 0", "look"]);
});

test("QuietLooks looks though no message comes, soon where it is asked to, and no more once it is over", async () => {
  nextLookMs = 1;
  await until(() => did.length >= 2);
  expect(new Set(did)).toEqual(new Set(["look"]));
  nextLookMs = Infinity;
  const before = did.length;
  await until(() => did.length > before + 1);
  looks[Symbol.dispose]();
  const after = did.length;
  write();
  await Bun.sleep(300);
  expect(did).toHaveLength(after);
});
