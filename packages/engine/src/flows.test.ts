import { describe, expect, test } from "bun:test";
import { FlowState, L7 } from "@bunnel/abi";
import { Engine } from "./engine.ts";

/** An IPv4 TCP segment of 40 octets from 192.0.2.1:40000 to 203.0.113.9:443, or back. */
function segment(flags: number, back = false): Uint8Array {
  const packet = new Uint8Array(40);
  const [near, far] = [
    [192, 0, 2, 1],
    [203, 0, 113, 9],
  ] as const;
  packet.set([0x45, 0, 0, 40, 0, 0, 0x40, 0, 57, 6, 0, 0, ...(back ? [...far, ...near] : [...near, ...far])]);
  const [nearPort, farPort] = [
    [0x9c, 0x40],
    [0x01, 0xbb],
  ] as const;
  packet.set([...(back ? [...farPort, ...nearPort] : [...nearPort, ...farPort]), 0, 0, 0, 1, 0, 0, 0, 1, 0x50], 20);
  packet[33] = flags;
  return packet;
}

/** An IPv6 UDP datagram of 48 octets to port 4433. */
function datagram(): Uint8Array {
  const packet = new Uint8Array(48);
  packet.set([0x60, 0, 0, 0, 0, 8, 17, 64, 0x20, 0x01, 0x0d, 0xb8]);
  packet.set([0x20, 0x01, 0x0d, 0xb8], 24);
  packet[23] = 7;
  packet[39] = 9;
  packet.set([0xc0, 0, 0x11, 0x51, 0, 8, 0, 0], 40);
  return packet;
}

describe("Engine.flows()", () => {
  test("is empty without traffic", async () => {
    expect((await Engine.create()).flows(0)).toEqual([]);
  });

  test("shows each flow from the side that opened it, the one seen last first", async () => {
    const engine = await Engine.create({ warm: false });
    const lane = engine.lane(0);
    const packets = [segment(0x02), segment(0x12, true), segment(0x10), datagram()];
    for (const [i, packet] of packets.entries()) lane.place(i, packet);
    lane.poll(0, 3, 1000);
    lane.poll(3, 4, 1200);
    expect(engine.flows(1500)).toEqual([
      {
        family: 6,
        protocol: 17,
        source: { address: Uint8Array.fromHex("20010db8000000000000000000000007"), port: 0xc000 },
        destination: { address: Uint8Array.fromHex("20010db8000000000000000000000009"), port: 4433 },
        state: FlowState.OpenedByA,
        l7: L7.None,
        rule: undefined,
        planned: 0,
        hops: undefined,
        idleMs: 300,
        packetsOut: 1,
        packetsIn: 0,
        bytesOut: 48,
        bytesIn: 0,
      },
      {
        family: 4,
        protocol: 6,
        source: { address: Uint8Array.of(192, 0, 2, 1), port: 40_000 },
        destination: { address: Uint8Array.of(203, 0, 113, 9), port: 443 },
        state: FlowState.OpenedByA | FlowState.Syn | FlowState.SynAck | FlowState.Established,
        l7: L7.None,
        rule: undefined,
        planned: 0,
        hops: 7,
        idleMs: 500,
        packetsOut: 2,
        packetsIn: 1,
        bytesOut: 80,
        bytesIn: 40,
      },
    ]);
  });

  test("a flow whose other side has the lower address is turned round", async () => {
    const engine = await Engine.create({ warm: false });
    const lane = engine.lane(0);
    lane.place(0, segment(0x02, true));
    lane.poll(0, 1, 0);
    expect(engine.flows(0)).toMatchObject([
      { source: { port: 443 }, destination: { port: 40_000 }, packetsOut: 1, packetsIn: 0 },
    ]);
  });
});
