// From the device to whoever answers, and back to the sender: over a device in memory, with the real engine.
import { afterEach, describe, expect, test } from "bun:test";
import { QUERIES_MAX } from "@bunnel/abi";
import { MemoryDevice } from "@bunnel/device";
import { MemoryEgress } from "@bunnel/egress";
import { Engine } from "@bunnel/engine";
import { encodeRules, parseProfile, type Profile } from "@bunnel/profile";
import { decodePacket, udpPacket, verifyChecksums } from "@bunnel/wire";
import type { BackendHandle } from "../backend.ts";
import { startInlineLane } from "../inline-lane.ts";
import type { TunPlatform } from "../platform.ts";
import { TunBackend } from "../tun-backend.ts";
import { needsAnswers } from "./needs-answers.ts";
import { QueryOutlet, takenWord } from "./query-outlet.ts";
import type { AnswerDns, DnsQuestion, TakenQuery } from "./taken-query.ts";

const NAME = [3, ...Buffer.from("www"), 7, ...Buffer.from("example"), 3, ...Buffer.from("org"), 0];
const QUERY = Uint8Array.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...NAME, 0, 1, 0, 1]);
const ENDS4 = { source: "192.0.2.7", destination: "192.0.2.53", sourcePort: 40_000, destinationPort: 53 };
const ENDS6 = { ...ENDS4, source: "2001:db8::7", destination: "2001:db8::53" };

function profile(strategy: string): Profile {
  return parseProfile(`[[rule]]\nname = "a"\nstrategy = "${strategy}"`);
}

interface Rig {
  readonly device: MemoryDevice;
  /** What the lane sends, and what the answers leave by. */
  readonly ways: readonly MemoryEgress[];
  readonly handle: BackendHandle;
}

const running: TunBackend[] = [];
afterEach(async () => {
  for (const backend of running.splice(0)) await backend.stop();
});

async function rig(strategy: string, answerDns?: AnswerDns): Promise<Rig> {
  const device = MemoryDevice.open({ name: "memory0" });
  const ways: MemoryEgress[] = [];
  const platform: TunPlatform = {
    name: "memory",
    unsupported: () => undefined,
    openDevice: () => device,
    openEgress() {
      const way = new MemoryEgress();
      ways.push(way);
      return way;
    },
    intercept: () => ({ method: "nft", uplinks: [], close() {}, [Symbol.dispose]() {} }),
    sweep: () => ({ removed: [] }),
    uplinks: () => ({ names: [], mtuBytes: 1500 }),
    startLane: (parts) => startInlineLane(parts),
  };
  const backend = new TunBackend(platform);
  const handle = await backend.start({ engine: { profile: profile(strategy) }, ...(answerDns && { answerDns }) });
  running.push(backend);
  return { device, ways, handle };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !condition(); i++) await Bun.sleep(1);
  expect(condition()).toBe(true);
}

describe("a backend that answers DNS", () => {
  test.each([
    ["IPv4", ENDS4],
    ["IPv6", ENDS6],
  ])("gives the query away and sends the answer as its server would, over %s", async (_, ends) => {
    const questions: DnsQuestion[] = [];
    const { device, ways, handle } = await rig("dns: doh", (question) => {
      questions.push(question);
      return Promise.resolve(Uint8Array.of(1, 2, 3));
    });
    device.inject(udpPacket({ ...ends, payload: QUERY }));
    await until(() => handle.stats.queriesAnswered === 1);
    expect(questions).toEqual([{ query: QUERY, server: { address: ends.destination, port: 53 } }]);
    const sent = ways.flatMap((way) => way.take());
    expect(sent).toHaveLength(1);
    const [answer = new Uint8Array()] = sent;
    expect(decodePacket(answer)).toMatchObject({
      ...{ source: ends.destination, destination: ends.source, sourcePort: 53, destinationPort: 40_000 },
      payload: Uint8Array.of(1, 2, 3),
    });
    expect(verifyChecksums(answer)).toMatchObject({ transport: true });
    expect(handle.stats.reasons).toEqual({ DropAnswered: 1 });
  });

  test.each([
    ["192.0.2.54:5353", "192.0.2.54", 5353],
    ["2001:db8::54", "2001:db8::54", 53],
  ])("names the resolver of redirect(%s)", async (text, address, port) => {
    const questions: DnsQuestion[] = [];
    const { device, handle } = await rig(`dns: redirect(${text})`, (question) => {
      questions.push(question);
      return Promise.resolve(undefined);
    });
    device.inject(udpPacket({ ...ENDS4, payload: QUERY }));
    await until(() => handle.stats.queriesTaken === 1);
    expect(questions[0]?.resolver).toEqual({ address, port });
  });

  test("says nothing when there is no answer, and goes on when answering fails", async () => {
    let turn = 0;
    const { device, ways, handle } = await rig("dns: doh", () => {
      turn++;
      if (turn === 1) return Promise.reject(new Error("no"));
      return Promise.resolve(turn === 2 ? undefined : Uint8Array.of(9));
    });
    for (let i = 1; i <= 3; i++) {
      device.inject(udpPacket({ ...ENDS4, payload: QUERY }));
      await until(() => handle.stats.queriesTaken === i);
    }
    await until(() => handle.stats.queriesAnswered === 1);
    expect(ways.flatMap((way) => way.take())).toHaveLength(1);
  });

  test("refuses rules that nobody answers, at the start and later", async () => {
    expect(rig("dns: doh")).rejects.toThrow("needs somebody who answers");
    const { handle } = await rig("dns: ipfrag");
    expect(() => handle.pipeline.load(profile("dns: redirect(192.0.2.54)"))).toThrow("needs somebody who answers");
    expect(handle.pipeline.profile.rules[0]?.strategy.clauses[0]?.operations[0]?.technique).toBe("ipfrag");
  });
});

test("needsAnswers() tells tables with doh or redirect from others", () => {
  const needs = (strategy: string): boolean => needsAnswers(encodeRules(profile(strategy)));
  expect(["dns: doh", "tls: split(1)  dns: redirect(192.0.2.54)"].map(needs)).toEqual([true, true]);
  expect(["pass", "dns: drop", "tls: split(1)"].map(needs)).toEqual([false, false, false]);
});

test("QueryOutlet gives away as many queries as may wait, counts the rest, goes on when some are taken", async () => {
  const engine = await Engine.create({ warm: false });
  engine.loadRules(encodeRules(profile("dns: doh")));
  const lane = engine.lane(0);
  const given: TakenQuery[] = [];
  const outlet = new QueryOutlet(lane, (query) => void given.push(query));
  const ask = (): void => {
    lane.place(0, udpPacket({ ...ENDS4, payload: QUERY }));
    lane.poll(0, 1, 1);
    outlet.take(1);
  };
  for (let i = 0; i < QUERIES_MAX + 5; i++) ask();
  expect([given.length, engine.counters().queriesDropped]).toEqual([QUERIES_MAX, 5]);
  expect(given[0]?.packet.buffer).toBeInstanceOf(ArrayBuffer);
  Atomics.add(takenWord(engine.memory, 0), 0, 2);
  for (let i = 0; i < 5; i++) ask();
  expect([given.length, engine.counters().queriesDropped]).toEqual([QUERIES_MAX + 2, 8]);
  const { packetsIn, passed, replaced, held, dropped } = engine.counters();
  expect(passed + replaced + held + dropped).toBe(packetsIn);
});
