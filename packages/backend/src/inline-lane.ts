// A lane without a thread: for devices in memory, in tests and examples.
import { CaptureRing } from "./capture/ring.ts";
import { Engine, type Lane, type NameFinder } from "@bunnel/engine";
import { QueryOutlet, takenWord } from "./dns/query-outlet.ts";
import type { TakenQuery } from "./dns/taken-query.ts";
import { INBOUND_LANE, InboundLane } from "./inbound-lane.ts";
import { LaneLoop } from "./lane-loop.ts";
import type { LaneParts, LaneThread } from "./platform.ts";
import { CarriedOutlet, carriedWord, type CarriedPackets } from "./stream/carried-outlet.ts";
import { LaneStream } from "./stream/lane-side.ts";

const TURN_EVERY_MS = 1;

/** Nothing waits: what is given is taken over at once. */
function outletTo(take: (query: TakenQuery) => void, lane: Lane): QueryOutlet {
  const word = takenWord(lane.memory, lane.index);
  return new QueryOutlet(lane, (query) => {
    Atomics.add(word, 0, 1);
    take(query);
  });
}

function carriedTo(carry: (packets: CarriedPackets) => void, lane: Lane, hasVnet: boolean): CarriedOutlet {
  const word = carriedWord(lane.memory, lane.index);
  return new CarriedOutlet(lane, hasVnet, (packets) => {
    Atomics.add(word, 0, packets.length);
    carry(packets);
  });
}

/** Runs the lane by a timer of the calling thread. */
export function startInlineLane(parts: LaneParts, names?: NameFinder): LaneThread {
  const engine = Engine.attach(parts.engine);
  const lane = engine.lane(parts.laneIndex, parts.lane);
  const { inbound } = parts;
  const loop = new LaneLoop(parts.device, parts.egress, lane, parts.maxQueueSize, {
    answers: parts.answers === true,
    ...(names && { names }),
    ...(parts.wanted && { stream: new LaneStream(lane, parts.wanted) }),
    ...(parts.takeQuery && { queries: outletTo(parts.takeQuery, lane) }),
    ...(parts.carry && { carried: carriedTo(parts.carry, lane, parts.lane.rxVnet === true) }),
    ...(parts.capture && { capture: new CaptureRing(parts.capture) }),
    ...(inbound && { inbound: new InboundLane(inbound.tap, engine.lane(inbound.laneIndex, INBOUND_LANE)) }),
  });
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
  return { ready: Promise.resolve({ pump: "memory" }), ended: ended.promise, dispose: () => end(undefined) };
}
