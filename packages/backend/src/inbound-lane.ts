// What arrives from outside enters the flow table: a second lane that reads a tap and sends nothing. It belongs to the
// thread of the lane that carries packets, which takes from it before each burst. So what was in the tap before a
// packet came up is in the table before that packet is looked at.
import type { InboundTap } from "@bunnel/device";
import type { Lane, LaneOptions } from "@bunnel/engine";

/** Flows are kept, and that is all. */
export const INBOUND_LANE: LaneOptions = { plan: false, track: true };
/** So that a flood from outside cannot keep the thread from its own packets. */
const BURSTS_MAX = 16;

/** A tap, and the lane whose flow table learns what arrives. */
export class InboundLane {
  /** @param lane opened with `INBOUND_LANE`, and nobody else's */
  constructor(
    readonly tap: InboundTap,
    readonly lane: Lane,
  ) {
    tap.attach(lane.memory);
  }

  /** Enters what waits; returns how many packets have a flow. */
  take(nowMs: number): number {
    const { tap, lane } = this;
    let tracked = 0;
    for (let burst = 0; burst < BURSTS_MAX; burst++) {
      const came = tap.read(lane.rx, 0, lane.slotPacketBytes);
      if (came === 0) break;
      tracked += lane.exports.trackBurst(0, came, nowMs);
    }
    return tracked;
  }
}
