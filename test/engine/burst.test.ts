// The exports that do one thing with a whole burst: for measurements, and for hosts that want no more.
import { beforeAll, describe, expect, test } from "bun:test";
import { RX_MAX } from "@bunnel/abi";
import type { Engine, EngineBuild, Lane, PacketMeta } from "@bunnel/engine";
import { decodePacket } from "@bunnel/wire";
import { anyPacket, mutatedPacket } from "@bunnel/wire/arbitrary";
import fc from "fast-check";
import { quickReset } from "./quick-reset.ts";
import { BUILDS, engineOf } from "./rig.ts";

const RUNS = 100;
const burst = fc.array(fc.oneof(anyPacket(), mutatedPacket()), { minLength: 1, maxLength: RX_MAX });

describe.each(BUILDS)("bursts, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  /** A lane with those packets that fit its places. */
  function laneWith(packets: readonly Uint8Array[]): { lane: Lane; placed: readonly Uint8Array[] } {
    quickReset(engine);
    const lane = engine.lane(0);
    const placed = packets.filter((packet) => packet.length <= lane.slotPacketBytes);
    for (const [i, packet] of placed.entries()) lane.place(i, packet);
    return { lane, placed };
  }

  const parsed = ({ family, protocol, l4Offset, payloadOffset, payloadBytes, seq, fragment }: PacketMeta): unknown => ({
    ...{ family, protocol, l4Offset, payloadOffset, payloadBytes, seq, fragment },
  });

  test("parseBurst() writes the records that poll writes, and says how many packets could be read", () => {
    fc.assert(
      fc.property(burst, (packets) => {
        const { lane, placed } = laneWith(packets);
        const readable = placed.filter((packet) => decodePacket(packet).family !== 0).length;
        expect(lane.exports.parseBurst(0, placed.length)).toBe(readable);
        const found = placed.map((_, i) => parsed(lane.meta(i)));
        const other = laneWith(packets).lane;
        other.poll(0, placed.length, 0);
        expect(found).toEqual(placed.map((_, i) => parsed(other.meta(i))));
      }),
      { numRuns: RUNS },
    );
  });

  test("trackBurst() finds the flows that poll finds: of all that can be read but fragments", () => {
    fc.assert(
      fc.property(burst, (packets) => {
        const { lane, placed } = laneWith(packets);
        const whole = placed
          .map((packet) => decodePacket(packet))
          .filter(({ family, fragment }) => family !== 0 && !fragment);
        expect(lane.exports.trackBurst(0, placed.length, 0)).toBe(whole.length);
        const flows = placed.map((_, i) => lane.meta(i).flow);
        const { flowsInserted } = engine.counters();
        const other = laneWith(packets).lane;
        other.poll(0, placed.length, 0);
        expect(flows).toEqual(placed.map((_, i) => other.meta(i).flow));
        expect(engine.counters().flowsInserted).toBe(flowsInserted);
      }),
      { numRuns: RUNS },
    );
  });
});
