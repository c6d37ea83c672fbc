import { describe, expect, test } from "bun:test";
import { LANES_MAX, RX_MAX, SLOT_SMALL_PACKET_BYTES, layoutFaults } from "@bunnel/abi";
import { Engine } from "./engine.ts";
import { bucketsFor } from "./lane.ts";

/** An IPv4 TCP segment of 40 octets. */
function segment(last: number): Uint8Array {
  const packet = new Uint8Array(40);
  packet.set([0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 203, 0, 113, last]);
  packet.set([0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10], 20);
  return packet;
}

describe.each(["release", "debug"] as const)("Engine, %s build", (build) => {
  test("the memory map holds", () => {
    expect(layoutFaults()).toEqual([]);
  });

  test("create() leaves no flows and no counters behind from warming up", async () => {
    const { packetsIn, flows, flowsInserted } = (await Engine.create({ build })).counters();
    expect({ packetsIn, flows, flowsInserted }).toEqual({ packetsIn: 0, flows: 0, flowsInserted: 0 });
  });

  test("lane() refuses numbers and MTUs that are not there", async () => {
    const engine = await Engine.create({ build, warm: false });
    expect(() => engine.lane(LANES_MAX)).toThrow(`lane number: expected 0..${LANES_MAX - 1}, found ${LANES_MAX}`);
    expect(() => engine.lane(0, { mtuBytes: 10 })).toThrow(/lane MTU: expected 68\.\.65535, found 10/u);
  });

  test("two lanes share flows, and their counters add up", async () => {
    const engine = await Engine.create({ build, warm: false });
    const [a, b] = [engine.lane(0), engine.lane(1)];
    a.place(0, segment(1));
    b.place(0, segment(1));
    a.poll(0, 1, 0);
    b.poll(0, 1, 0);
    expect(b.meta(0).flow).toBe(a.meta(0).flow);
    expect(engine.counters()).toMatchObject({ packetsIn: 2, flows: 1 });
  });

  test("attach() works on the same memory", async () => {
    const engine = await Engine.create({ build, warm: false });
    const lane = Engine.attach(engine.transfer).lane(2);
    lane.place(0, segment(9));
    lane.poll(0, 1, 0);
    expect(engine.counters().packetsIn).toBe(1);
  });

  test("a whole burst goes through in one poll, and nothing is allocated per packet", async () => {
    const engine = await Engine.create({ build, warm: false });
    const lane = engine.lane(0);
    for (let i = 0; i < RX_MAX; i++) lane.place(i, segment(i));
    for (let i = 0; i < 200; i++) lane.poll(0, RX_MAX, i);
    Bun.gc(true);
    const { heapUsed } = process.memoryUsage();
    for (let i = 0; i < 2000; i++) lane.poll(0, RX_MAX, i);
    const grown = process.memoryUsage().heapUsed - heapUsed;
    // 128 000 packets: one octet for each would be seen.
    expect(grown).toBeLessThan(100_000);
    expect(lane.txCount).toBe(RX_MAX);
  });

  test("place() refuses a packet that is too long for the lane's slots", async () => {
    const lane = (await Engine.create({ build, warm: false })).lane(0);
    expect(() => lane.place(0, new Uint8Array(SLOT_SMALL_PACKET_BYTES + 1))).toThrow(/expected at most/u);
  });

  test("bucketsFor() holds at least so many flows", () => {
    for (const flows of [1, 7, 8, 100, 10_000]) expect(bucketsFor(flows) * 7).toBeGreaterThanOrEqual(flows);
  });
});
