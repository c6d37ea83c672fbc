// needs root: namespaces, /dev/net/tun, curl
// Everything that the machine sends comes up: connections that are only begun, garbage, fragments, datagrams.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { closeTheWay, expectConserved, expectCounted, flood } from "./flood.ts";
import type { FloodKind } from "@bunnel/tools/soak";
import { Rig, type Running } from "./rig.ts";

setDefaultTimeout(240_000);

const PAUSE_MS = 4;
const GROWTH_MAX_MB = 8;
const SERVICE_MAX_MB = 160;
/** What the counters must say about each: a reason that it alone brings. */
const FLOODS: readonly { readonly kind: FloodKind; readonly packets: number; readonly reason: string }[] = [
  { kind: "syn", packets: 100_000, reason: "PassOrdinary" },
  { kind: "garbage", packets: 30_000, reason: "PassMalformed" },
  { kind: "fragment", packets: 30_000, reason: "PassFragment" },
  { kind: "datagram", packets: 30_000, reason: "PassOrdinary" },
];

let rig: Rig;
let running: Running;
beforeAll(async () => {
  rig = await Rig.open();
  await closeTheWay(rig);
  running = await rig.up({ method: "rules" });
  await rig.expectServed();
});
afterAll(() => rig?.[Symbol.asyncDispose]());

test.each(FLOODS)("a flood of $packets: $kind", async ({ kind, packets, reason }) => {
  const beforeMb = await running.memoryMb();
  const found = await flood(rig, running, { kind, packets, pauseMs: PAUSE_MS });
  expectCounted(found);
  expectConserved(found.after);
  const counted = (found.after.reasons[reason] ?? 0) - (found.before.reasons[reason] ?? 0);
  expect(counted).toBeGreaterThan(packets / 10);
  expect(found.pages).toBeGreaterThan(0);
  const nowMb = await running.memoryMb();
  expect(nowMb).toBeLessThan(SERVICE_MAX_MB);
  expect(nowMb - beforeMb).toBeLessThan(GROWTH_MAX_MB);
});

test("then everything is as before, and ends as it should", async () => {
  const { replaced } = await running.status();
  await rig.expectServed();
  expect((await running.status()).replaced).toBe(replaced + 2);
  expect((await running.service.stop()).status).toBe(0);
});
