// The engine under a flood: several threads over one memory and one flow table, packets of every evil kind.
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { FLOW_WAYS, HOLDS_MAX, RX_MAX } from "@bunnel/abi";
import { Engine, type Lane, QuicNames } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { quicHello, quicInitials, tcpPacket, udpPacket } from "@bunnel/wire";
import type { FloodOrder, FloodReport } from "./flood-worker.ts";
import { type FloodKind, FloodWriter, numbersOf } from "./flood-packets.ts";
import { lookThrough } from "./flow-entries.ts";

setDefaultTimeout(60_000);

const EVERY_KIND = ["syn4", "syn4", "syn6", "pair", "garbage", "fragment", "hello"] as const;
const RULES = encodeRules(parseProfile('[[rule]]\nname = "all"\nstrategy = "tls: split(1, midsld) disorder"\n'));
const MAX_FLOWS = 10_000;
/** A table in which the 4096 flows of the kind "few" find room, and no bucket overflows. */
const WIDE = 60_000;
const TICK_MS = 30_000;
const IDLE_MS = 120_000;
const BURSTS = 4000;
const INITIALS = 1000;

const workers: Worker[] = [];
afterEach(() => {
  for (const worker of workers.splice(0)) worker.terminate();
});

/** A lane's thread; its report comes when it is through. */
function flood(order: FloodOrder): Promise<FloodReport> {
  const worker = new Worker(new URL("./flood-worker.ts", import.meta.url).href);
  workers.push(worker);
  const { promise, resolve, reject } = Promise.withResolvers<FloodReport>();
  worker.addEventListener("message", ({ data }: MessageEvent<FloodReport>) => resolve(data));
  worker.addEventListener("error", ({ message }) => reject(new Error(message)));
  worker.postMessage(order);
  return promise;
}

interface Outcome {
  readonly engine: Engine;
  readonly reports: readonly FloodReport[];
  /** Flows freed while the flood went on. */
  readonly expired: number;
  readonly ticks: number;
}

/** Three threads, and a host that frees flows each time its clock has gone on by 30 s. */
async function floodAll(maxFlows: number, kinds: readonly FloodKind[], idleMs: number): Promise<Outcome> {
  const engine = await Engine.create({ maxFlows, seed: 11n, warm: false });
  engine.loadRules(RULES);
  const clock = new SharedArrayBuffer(4);
  const time = new Int32Array(clock);
  const running = Promise.all(
    [1, 2, 3].map((seed, laneIndex) =>
      flood({ engine: engine.transfer, laneIndex, kinds, bursts: BURSTS, seed, clock }),
    ),
  );
  let isOver = false;
  void running.finally(() => (isOver = true));
  let [expired, ticks] = [0, 0];
  while (!isOver) {
    await Bun.sleep(2);
    expired += engine.expireFlows(Atomics.add(time, 0, TICK_MS) + TICK_MS, idleMs);
    ticks++;
  }
  return { engine, reports: await running, expired, ticks };
}

function expectBooksInOrder({ engine, reports, expired }: Outcome): void {
  const counters = engine.counters();
  const packets = reports.reduce((sum, report) => sum + report.packets, 0);
  const { packetsIn, passed, replaced, held, dropped, pieces } = counters;
  expect(reports.map(({ faults }) => faults)).toEqual(reports.map(() => 0));
  expect(packetsIn).toBe(packets);
  expect(passed + replaced + held + dropped).toBe(packetsIn);
  expect(held).toBe(0);
  // What passes leaves once. A hello that found no room to be held is planned as far as it goes.
  expect(reports.reduce((sum, { sent }) => sum + sent, 0)).toBe(passed + pieces);
  const { flows, duplicates, unfinished } = lookThrough(engine);
  expect({ duplicates, unfinished }).toEqual({ duplicates: 0, unfinished: 0 });
  expect(flows).toBe(counters.flows);
  expect(flows).toBeLessThanOrEqual(engine.transfer.table.buckets * FLOW_WAYS);
  expect(counters.flowsExpired).toBe(expired);
  expect(counters.flowsInserted).toBe(flows + counters.flowsEvicted + counters.flowsExpired);
}

describe("a flood over three lanes", () => {
  test("of everything at once: books, table and memory stay in order, and flows are freed on the way", async () => {
    const outcome = await floodAll(MAX_FLOWS, EVERY_KIND, IDLE_MS);
    expectBooksInOrder(outcome);
    const { flowsEvicted, reasons } = outcome.engine.counters();
    expect(flowsEvicted).toBeGreaterThan(0);
    expect(outcome.expired).toBeGreaterThan(0);
    for (const reason of ["PassMalformed", "PassFragment", "PassHeldInVain", "PassOrdinary"]) {
      expect(reasons[reason]).toBeGreaterThan(0);
    }
    expect(outcome.engine.memory.byteLength).toBe(outcome.engine.transfer.memory.buffer.byteLength);
  });

  test("of the same flows, freed and made again all the time: none stands in the table twice", async () => {
    const outcome = await floodAll(WIDE, ["few"], 0);
    expectBooksInOrder(outcome);
    expect(outcome.expired).toBeGreaterThan(4096);
    expect(outcome.engine.counters().flowsEvicted).toBe(0);
  });
});

test("QUIC hellos that never end take no more room than there is for them, and leave in time", async () => {
  const engine = await Engine.create({ seed: 19n, warm: false });
  engine.loadRules(encodeRules(parseProfile('[[rule]]\nname = "all"\nstrategy = "quic: fake(zeros)"\n')));
  const lane = engine.lane(0);
  const names = new QuicNames({ maxFlows: 16 });
  const hello = quicHello({ serverName: "flood.example.org", extensionOrder: "last", keyShareBytes: 1216 });
  let sent = 0;
  for (let i = 0; i < INITIALS; i++) {
    const destinationId = Uint8Array.of(1, 2, 3, 4, 5, 6, i >> 8, i & 0xff);
    const [first = hello] = quicInitials({ hello, datagrams: 2, destinationId });
    const ends = { source: "198.51.100.7", destination: "192.0.2.1", sourcePort: 2000 + i, destinationPort: 443 };
    lane.place(0, udpPacket({ ...ends, payload: first }));
    lane.work(1, i, () => void (sent += lane.txCount), names);
    expect(names.flows).toBeLessThanOrEqual(16);
    expect(lane.heldCount).toBeLessThanOrEqual(HOLDS_MAX);
  }
  lane.poll(0, 0, INITIALS + 10_000);
  sent += lane.txCount;
  const { packetsIn, passed, replaced, held, dropped, fakes } = engine.counters();
  expect({ packetsIn, held, dropped }).toEqual({ packetsIn: INITIALS, held: 0, dropped: 0 });
  expect(passed + replaced).toBe(INITIALS);
  expect(sent).toBe(INITIALS + fakes);
});

/** Connections with handshakes of three packets; what `known` counts is a fourth. */
class OldFlows {
  constructor(
    readonly lane: Lane,
    readonly count: number,
  ) {
    for (let i = 0; i < count; i++) {
      for (const [place, flags] of ["S", "SA", "A"].entries()) lane.place(place, this.#packet(i, flags));
      lane.poll(0, 3, 0);
    }
  }

  /** How many of them the table still knows: a further packet makes no new flow of them. */
  known(engine: Engine, nowMs: number): number {
    let known = 0;
    for (let i = 0; i < this.count; i++) {
      const { flowsInserted } = engine.counters();
      this.lane.place(0, this.#packet(i, "A"));
      this.lane.poll(0, 1, nowMs);
      if (this.lane.meta(0).flow !== 0 && engine.counters().flowsInserted === flowsInserted) known++;
    }
    return known;
  }

  #packet(i: number, flags: string): Uint8Array {
    const client = { source: `198.51.100.${i & 0xff}`, sourcePort: 20_000 + (i >> 8) };
    const server = { destination: "192.0.2.1", destinationPort: 443 };
    if (flags !== "SA") return tcpPacket({ ...client, ...server, flags });
    return tcpPacket({
      ...{ source: server.destination, sourcePort: server.destinationPort },
      ...{ destination: client.source, destinationPort: client.sourcePort, flags },
    });
  }
}

describe("old connections in a flood of a million new ones", () => {
  const OLD = 1000;
  const NEW = 1_000_000;

  async function survivors(kind: FloodKind, maxFlows: number): Promise<number> {
    const engine = await Engine.create({ maxFlows, seed: 13n, warm: false });
    const lane = engine.lane(0, { plan: false });
    const old = new OldFlows(lane, OLD);
    const writer = new FloodWriter(lane, numbersOf(17));
    for (let packets = 0; packets < NEW; packets += RX_MAX) {
      for (let i = 0; i < RX_MAX; i++) writer.write(i, kind);
      // A thousand packets a millisecond: all is over within a second, before anything expires.
      lane.poll(0, RX_MAX, 1 + Math.floor(packets / 1000));
    }
    expect(engine.counters().flowsEvicted).toBeGreaterThan(NEW / 2 - 8 * maxFlows);
    return old.known(engine, 2000);
  }

  test.each(["syn4", "syn6", "retry"] as const)(
    "%s: all of them are still known, though they were silent",
    async (kind) => {
      expect(await survivors(kind, MAX_FLOWS)).toBe(OLD);
    },
  );

  test("whoever also sends the ACK of each handshake drives the silent ones out", async () => {
    expect(await survivors("pair", MAX_FLOWS)).toBe(0);
  });
});
