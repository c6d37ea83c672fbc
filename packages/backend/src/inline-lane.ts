// A lane without a thread: for devices in memory, in tests and examples.
import { Engine } from "@bunnel/engine";
import { LaneLoop } from "./lane-loop.ts";
import type { LaneParts, LaneThread } from "./platform.ts";

const TURN_EVERY_MS = 1;

/** Runs the lane by a timer of the calling thread. */
export function startInlineLane(parts: LaneParts): LaneThread {
  const lane = Engine.attach(parts.engine).lane(parts.laneIndex, parts.lane);
  const loop = new LaneLoop(parts.device, parts.egress, lane, parts.maxQueueSize);
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
