// A lane without a thread: for devices in memory, in tests and examples.
import type { TunDevice } from "@bunnel/device";
import type { Egress } from "@bunnel/egress";
import { Engine } from "@bunnel/engine";
import { LaneLoop } from "./lane-loop.ts";
import type { LaneStart, LaneThread } from "./platform.ts";

const TURN_EVERY_MS = 1;

/** Runs the lane by a timer of the calling thread. */
export function startInlineLane(start: LaneStart, device: TunDevice, egress: Egress): LaneThread {
  const lane = Engine.attach(start.engine).lane(start.laneIndex, start.lane);
  const loop = new LaneLoop(device, egress, lane, start.maxQueueSize);
  const ended = Promise.withResolvers<Error | undefined>();
  const end = (cause: Error | undefined): void => {
    clearInterval(timer);
    ended.resolve(cause);
  };
  const timer = setInterval(() => {
    try {
      while (loop.turn() > 0);
      if (loop.isStopped) end(undefined);
    } catch (error) {
      end(error instanceof Error ? error : new Error(String(error)));
    }
  }, TURN_EVERY_MS);
  return { ready: Promise.resolve(), ended: ended.promise, dispose: () => end(undefined) };
}
