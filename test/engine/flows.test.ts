// The flow table: keys, limits, expiry.
import { beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Engine, type EngineBuild } from "@bunnel/engine";
import { tcpPacket, udpPacket } from "@bunnel/wire";
import { BUILDS, engineOf } from "./rig.ts";

const endpoint = fc.record({
  v6: fc.boolean(),
  a: fc.nat(0xff),
  b: fc.nat(0xff),
  sp: fc.nat(0xffff),
  dp: fc.nat(0xffff),
});

interface Ends {
  readonly v6: boolean;
  readonly a: number;
  readonly b: number;
  readonly sp: number;
  readonly dp: number;
}

function packets({ v6, a, b, sp, dp }: Ends): [Uint8Array, Uint8Array] {
  const source = v6 ? `2001:db8::${a.toString(16)}` : `192.0.2.${a}`;
  const destination = v6 ? `2001:db8::${b.toString(16)}` : `192.0.2.${b}`;
  return [
    tcpPacket({ source, destination, sourcePort: sp, destinationPort: dp, flags: "S" }),
    tcpPacket({ source: destination, destination: source, sourcePort: dp, destinationPort: sp, flags: "SA" }),
  ];
}

describe.each(BUILDS)("flow table, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeEach(async () => {
    engine = await engineOf(build);
  });

  test("a flow's key is the same for both directions, and the answer is known as one", () => {
    const lane = engine.lane(0);
    fc.assert(
      fc.property(endpoint, (ends) => {
        engine.reset();
        const [out, back] = packets(ends);
        lane.place(0, out);
        lane.place(1, back);
        lane.poll(0, 2, 0);
        const [first, second] = [lane.meta(0), lane.meta(1)];
        expect(second.hash).toBe(first.hash);
        expect(second.flow).toBe(first.flow);
        expect(first.flow).toBeGreaterThan(0);
        expect(first.direction).toBe(0);
        if (ends.a !== ends.b || ends.sp !== ends.dp) expect(second.direction).toBe(1);
        expect(engine.counters().flows).toBe(1);
      }),
      { numRuns: 500 },
    );
  });

  test("protocols and families are apart", () => {
    const lane = engine.lane(0);
    const ends = { source: "192.0.2.1", destination: "192.0.2.2", sourcePort: 5, destinationPort: 6 };
    lane.place(0, tcpPacket(ends));
    lane.place(1, udpPacket(ends));
    lane.poll(0, 2, 0);
    expect(lane.meta(0).flow).not.toBe(lane.meta(1).flow);
  });

  test("a flow that was not seen for the idle time is freed, one that was seen is kept", () => {
    const lane = engine.lane(0);
    const [old] = packets({ v6: false, a: 1, b: 2, sp: 10, dp: 20 });
    const [young] = packets({ v6: true, a: 1, b: 2, sp: 10, dp: 20 });
    lane.place(0, old);
    lane.poll(0, 1, 1_000);
    lane.place(0, young);
    lane.poll(0, 1, 100_000);
    expect(engine.expireFlows(125_000, 120_000)).toBe(1);
    expect(engine.counters().flows).toBe(1);
    expect(engine.counters().flowsExpired).toBe(1);
  });

  test("the host's clock may run over 2^32 milliseconds", () => {
    const lane = engine.lane(0);
    lane.place(0, packets({ v6: false, a: 1, b: 2, sp: 10, dp: 20 })[0]);
    lane.poll(0, 1, 0xffff_fff0);
    expect(engine.expireFlows(0x0000_0010, 120_000)).toBe(0);
    expect(engine.expireFlows(130_000, 120_000)).toBe(1);
  });

  test("a flood of new flows evicts the oldest, is counted, and stays within the limit", async () => {
    const small = await Engine.create({ build, maxFlows: 100, seed: 7n, warm: false });
    const lane = small.lane(0);
    for (let i = 0; i < 5000; i++) {
      const [out] = packets({ v6: false, a: i & 0xff, b: 3, sp: i, dp: 443 });
      lane.place(0, out);
      lane.poll(0, 1, i);
      expect(lane.meta(0).flow).toBeGreaterThan(0);
    }
    const { flows, flowsInserted, flowsEvicted } = small.counters();
    expect(flowsInserted).toBe(5000);
    expect(flows).toBe(flowsInserted - flowsEvicted);
    expect(flows).toBeLessThanOrEqual(16 * 7);
  });
});
