// One packet in, the packets that leave in its place out.
import type { Lane } from "./lane.ts";

/** Takes an IP packet; gives copies of the packets that are sent for it, in order. `nowMs` defaults to 0. */
export type Transform = (packet: Uint8Array, nowMs?: number) => Uint8Array[];

/** A transform over a lane that nobody else uses. */
export function transformer(lane: Lane): Transform {
  return (packet, nowMs = 0) => {
    lane.place(0, packet);
    lane.poll(0, 1, nowMs);
    return lane.sent();
  };
}
