// needs root: namespaces, /dev/net/tun, nft, curl
// New connections by the hundred thousand, each with a hello that a rule rewrites: memory stays where it is, the flow
// table keeps its size, pages come meanwhile, and every packet is accounted for.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { closeTheWay, expectConserved, expectCounted, flood } from "./flood.ts";
import { Rig, type Running } from "./rig.ts";

setDefaultTimeout(240_000);

const MAX_FLOWS = 10_000;
const PROFILE = `version = 1
[limits]
max_flows = ${MAX_FLOWS}
[[rule]]
name = "all"
hosts = []
strategy = "tls: split(1, midsld) disorder"
`;
const FLOWS = 100_000;
const GROWTH_MAX_MB = 8;
/** The table is a whole number of buckets, a power of two. */
const FLOWS_MAX = 2 * MAX_FLOWS;
const SERVICE_MAX_MB = 160;

let rig: Rig;
let running: Running;
beforeAll(async () => {
  rig = await Rig.open();
  await closeTheWay(rig);
  const profile = rig.file("profile.toml");
  await Bun.write(profile, PROFILE);
  running = await rig.up({ method: "nft", words: ["--profile", profile] });
});
afterAll(() => rig?.[Symbol.asyncDispose]());

test("100 000 connections with a hello, and as many again: memory is flat", async () => {
  let afterFirstMb = 0;
  for (let round = 0; round < 2; round++) {
    const found = await flood(rig, running, { kind: "hello", packets: FLOWS, pauseMs: 0 });
    expect(found.sent).toBeGreaterThanOrEqual(FLOWS);
    expectCounted(found);
    expectConserved(found.after);
    expect(found.after.replaced).toBeGreaterThan(found.before.replaced);
    expect(found.after.flows).toBeLessThanOrEqual(FLOWS_MAX);
    expect(found.after.flowsEvicted).toBeGreaterThan(0);
    expect(found.pages).toBeGreaterThan(0);
    const nowMb = await running.memoryMb();
    if (round === 0) afterFirstMb = nowMb;
    expect(nowMb).toBeLessThan(SERVICE_MAX_MB);
    expect(nowMb - afterFirstMb).toBeLessThan(GROWTH_MAX_MB);
  }
});

test("hellos that never become whole: what there is no room for passes as it is, and is counted", async () => {
  const beforeMb = await running.memoryMb();
  const found = await flood(rig, running, { kind: "half-hello", packets: 50_000, pauseMs: 0 });
  expectCounted(found);
  expectConserved(found.after);
  const kinds = Object.keys(found.after.reasons);
  expect(kinds).toContain("PassHeldInVain");
  expect((await running.memoryMb()) - beforeMb).toBeLessThan(GROWTH_MAX_MB);
});

test("then everything is as before, and ends as it should", async () => {
  const { replaced } = await running.status();
  await rig.expectServed();
  expect((await running.status()).replaced).toBe(replaced + 2);
  expect((await running.service.stop()).status).toBe(0);
});
