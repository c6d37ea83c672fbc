// DNS queries that the host answers: taken out, counted, and the resolver of the rule beside them.
import { beforeEach, describe, expect, test } from "bun:test";
import { L7, Reason, RESOLVER_BEFORE_BYTES, Verdict } from "@bunnel/abi";
import { Engine, type Lane } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { udpPacket } from "@bunnel/wire";
import { BUILDS } from "./rig.ts";

const NAME = [3, ...Buffer.from("www"), 7, ...Buffer.from("example"), 3, ...Buffer.from("org"), 0];
const QUERY = Uint8Array.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...NAME, 0, 1, 0, 1]);

const ENDS = {
  4: { source: "192.0.2.7", destination: "192.0.2.53", sourcePort: 40000, destinationPort: 53 },
  6: { source: "2001:db8::7", destination: "2001:db8::35", sourcePort: 40000, destinationPort: 53 },
};
const PATHS = BUILDS.flatMap((build) => ([4, 6] as const).map((family) => [build, family] as const));

describe.each(PATHS)("answered queries, %s build, IPv%d", (build, family) => {
  let engine: Engine;
  let lane: Lane;

  beforeEach(async () => {
    engine = await Engine.create({ build, seed: 1n, warm: false });
    lane = engine.lane(0);
  });

  function work(strategy: string, payload: Uint8Array = QUERY, host = "example.org"): void {
    const text = `[[rule]]\nname = "a"\nhosts = ["${host}"]\nstrategy = "${strategy}"`;
    engine.loadRules(encodeRules(parseProfile(text)));
    lane.place(0, udpPacket({ ...ENDS[family], payload }));
    lane.poll(0, 1, 1);
  }

  /** What stands before the packet: the resolver's octets. */
  function resolver(): string {
    const at = (lane.rx.at[0] ?? 0) - RESOLVER_BEFORE_BYTES;
    const bytes = new DataView(lane.memory).getUint16(at, true);
    return new Uint8Array(lane.memory, at + 2, bytes).slice().toHex();
  }

  test("with doh no packet leaves, and no resolver is named", () => {
    work("dns: doh");
    expect(lane.txCount).toBe(0);
    expect(lane.meta(0)).toMatchObject({ reason: Reason.DropAnswered, verdict: Verdict.Drop, l7: L7.Dns, rule: 0 });
    expect(resolver()).toBe("");
    const { packetsIn, dropped, messagesDns, reasons } = engine.counters();
    expect({ packetsIn, dropped, messagesDns, reasons }).toEqual({
      packetsIn: 1,
      dropped: 1,
      messagesDns: 1,
      reasons: { DropAnswered: 1 },
    });
  });

  test.each([
    ["192.0.2.54", "c00002360035"],
    ["192.0.2.54:5353", "c000023614e9"],
    ["[2001:db8::53]:5353", "20010db800000000000000000000005314e9"],
  ])("with redirect(%s) the resolver stands before the packet", (text, octets) => {
    work(`dns: redirect(${text})`);
    expect(lane.meta(0).reason).toBe(Reason.DropAnswered);
    expect(resolver()).toBe(octets);
  });

  test("a query that is sent again is answered again", () => {
    for (const strategy of ["dns: doh", "dns: redirect(192.0.2.54)"]) {
      work(strategy);
      const named = resolver();
      lane.place(0, udpPacket({ ...ENDS[family], payload: QUERY }));
      lane.poll(0, 1, 5000);
      expect([lane.meta(0).reason, lane.txCount, resolver()]).toEqual([Reason.DropAnswered, 0, named]);
    }
  });

  test("another host's query, and what is no query, pass", () => {
    work("dns: doh", QUERY, "example.net");
    expect([lane.meta(0).reason, lane.txCount]).toEqual([Reason.PassNoRule, 1]);
    const answer = QUERY.with(2, 0x81);
    work("dns: doh", answer);
    expect([lane.meta(0).reason, lane.txCount]).toEqual([Reason.PassOrdinary, 1]);
  });

  test("the packet itself is as it came", () => {
    work("dns: doh");
    const { payloadOffset, payloadBytes } = lane.meta(0);
    const payload = new Uint8Array(lane.memory, (lane.rx.at[0] ?? 0) + payloadOffset, payloadBytes).slice();
    expect(payload).toEqual(QUERY);
  });
});
