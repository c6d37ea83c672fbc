// The first lane's thread, started before it is needed: it loads its code on another core while the service reads its
// profile and asks the system for its network.
import { SpareThread } from "@bunnel/stream/spare";

const LANES = new SpareThread(new URL("./lane.worker.ts", import.meta.url));

/** Starts one ahead. */
export function startSpareLane(): void {
  LANES.start();
}

/** The one that was started ahead, or another. */
export function laneThread(): Worker {
  return LANES.take();
}
