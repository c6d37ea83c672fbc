// Rules are swapped while packets flow: every packet is judged by one table, whole, and none is lost.
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { LANE_BYTES, LANE_WORDS, LANES_BASE, RULES_BASE, WORD_RULES } from "@bunnel/abi";
import { Engine } from "@bunnel/engine";
import { PIECES, tableOf, TABLES } from "./swap-tables.ts";
import type { SwapReport } from "./swap-worker.ts";

setDefaultTimeout(60_000);

const SWAPS = 5000;

let worker: Worker | undefined;
afterEach(() => worker?.terminate());

test(`${SWAPS} swaps under a lane that never rests: no packet is judged by a mix, and none is lost`, async () => {
  const tables = Array.from({ length: TABLES }, (_, i) => tableOf(1 + i));
  const engine = await Engine.create({ seed: 5n, warm: false });
  engine.loadRules(tables[0] ?? new Uint8Array(0));
  const stop = new SharedArrayBuffer(4);
  const ready = Promise.withResolvers<void>();
  const report = Promise.withResolvers<SwapReport>();
  worker = new Worker(new URL("./swap-worker.ts", import.meta.url).href);
  worker.addEventListener("message", ({ data }: MessageEvent<"ready" | SwapReport>) => {
    if (data === "ready") ready.resolve();
    else report.resolve(data);
  });
  worker.addEventListener("error", ({ message }) => report.reject(new Error(message)));
  worker.postMessage({ engine: engine.transfer, stop });
  await ready.promise;
  while (engine.counters().packetsIn === 0) await Bun.sleep(1);
  for (let swap = 0; swap < SWAPS; swap++) engine.loadRules(tables[swap % TABLES] ?? new Uint8Array(0));
  Atomics.store(new Int32Array(stop), 0, 1);
  const { packets, replaced, sent, mixed, divided, marks } = await report.promise;
  expect({ mixed, divided }).toEqual({ mixed: 0, divided: 0 });
  expect(replaced).toBe(packets);
  expect(sent).toBe(packets * PIECES);
  expect(engine.counters()).toMatchObject({ packetsIn: packets, replaced: packets });
  // Many of the tables were really met at work.
  expect(marks).toBeGreaterThan(TABLES / 4);
});

test("a lane that was killed in a burst is named by loadRules(), and opened again it is in nobody's way", async () => {
  const engine = await Engine.create({ warm: false });
  const table = tableOf(1);
  engine.loadRules(table);
  const words = new Uint32Array(engine.memory, LANES_BASE + 2 * LANE_BYTES + LANE_WORDS, 16);
  words[WORD_RULES / 4] = RULES_BASE;
  engine.loadRules(table);
  expect(() => engine.loadRules(table)).toThrow("lane 2: expected the end of its burst, found none within 1 s");
  engine.lane(2);
  engine.loadRules(table);
});
