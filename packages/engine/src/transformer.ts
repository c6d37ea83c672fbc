// One packet in, the packets that leave in its place out.
import type { Lane, NameFinder } from "./lane.ts";

/**
 * Takes an IP packet; gives copies of the packets that are sent now, in order: those in its place, and those whose time
 * to be held is over. Without a packet, only the latter. `nowMs` defaults to 0.
 */
export type Transform = (packet?: Uint8Array, nowMs?: number) => Uint8Array[];

/** A transform over a lane that nobody else uses. */
export function transformer(lane: Lane, names?: NameFinder): Transform {
  return (packet, nowMs = 0) => {
    const sent: Uint8Array[] = [];
    const send = (): void => void sent.push(...lane.sent());
    if (packet === undefined) {
      lane.poll(0, 0, nowMs);
      send();
      return sent;
    }
    lane.place(0, packet);
    lane.work(1, nowMs, send, names);
    return sent;
  };
}
