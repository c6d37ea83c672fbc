// Both ends of a lane's thread: the host that starts it, and what runs in the Worker.
import type { DeviceHandOver, InboundTap, TunDevice } from "@bunnel/device";
import type { Egress, EgressHandOver } from "@bunnel/egress";
import { Engine, type Lane, type NameFinder } from "@bunnel/engine";
import type { PumpChoice } from "./backend.ts";
import { CaptureRing } from "./capture/ring.ts";
import { QueryOutlet, takenWord } from "./dns/query-outlet.ts";
import type { TakenQuery } from "./dns/taken-query.ts";
import { INBOUND_LANE, InboundLane } from "./inbound-lane.ts";
import { LaneLoop } from "./lane-loop.ts";
import type { LaneParts, LaneReady, LaneThread } from "./platform.ts";
import { CarriedOutlet, carriedWord, type CarriedPackets } from "./stream/carried-outlet.ts";
import { LaneStream } from "./stream/lane-side.ts";

/** A device in the lane's thread; `pump` says how its packets pass, where there is a choice. */
export type LaneDevice = TunDevice & { readonly pump?: string };

/** How the Worker gets at the parts that were handed over. */
export interface LaneOpeners {
  /**
   * Opens what `handOver` of the device gave.
   * @param lane whose memory the packets lie in, and whose `rings` the device may use
   */
  device(handOver: DeviceHandOver, lane: Lane, pump: PumpChoice): LaneDevice;
  /**
   * Opens what `handOver` of the way out gave.
   * @param lane whose packets it sends: a device may merge them
   */
  egress(handOver: EgressHandOver, lane: Lane, pump: PumpChoice): Egress;
  /** Needed when the lane's parts have a tap. */
  tap?(handOver: DeviceHandOver): InboundTap;
  /** A finder of the lane's own. Without it, QUIC has no names. */
  names?(): NameFinder;
}

/** A lane's parts as they travel to its thread. */
type LaneStart = Omit<LaneParts, "device" | "egress" | "inbound" | "takeQuery" | "wanted" | "carry"> & {
  readonly tellsWanted: boolean;
  readonly device: DeviceHandOver;
  readonly egress: EgressHandOver;
  readonly inbound?: { readonly laneIndex: number; readonly tap: DeviceHandOver };
  /** Whether somebody takes DNS queries. */
  readonly queries: boolean;
  /** Whether somebody carries on by sockets what rules took out. */
  readonly carries: boolean;
};

type Said =
  | ({ readonly said: "ready" } & LaneReady)
  | { readonly said: "query"; readonly query: TakenQuery }
  | { readonly said: "carried"; readonly packets: CarriedPackets }
  | { readonly said: "ended" }
  | { readonly said: "wanted"; readonly translations: readonly number[] }
  | { readonly said: "failed"; readonly message: string };

/** The Worker's own global, in the thread that `serveLane` runs in. */
declare const self: Worker;

/** The Worker's side: waits for the start message, then runs the lane to its end. Call it once in the Worker's file. */
export function serveLane(openers: LaneOpeners): void {
  self.addEventListener("message", (event: MessageEvent<LaneStart>) => {
    try {
      runLane(event.data, openers, (pump) => say({ said: "ready", pump }));
      say({ said: "ended" });
    } catch (error) {
      say({ said: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  });
}

function say(message: Said): void {
  self.postMessage(message);
}

function sayCarried(packets: CarriedPackets): void {
  self.postMessage({ said: "carried", packets } satisfies Said, [packets.buffer]);
}

function runLane(start: LaneStart, openers: LaneOpeners, ready: (pump: string) => void): void {
  const engine = Engine.attach(start.engine);
  const lane = engine.lane(start.laneIndex, start.lane);
  const pump = start.pump ?? "auto";
  // What is opened here is this thread's own: it would outlive the thread.
  using device = openers.device(start.device, lane, pump);
  using egress = openers.egress(start.egress, lane, pump);
  const names = openers.names?.();
  const inbound = openInbound(engine, start, openers);
  const tell = (translations: readonly number[]): void => say({ said: "wanted", translations });
  const loop = new LaneLoop(device, egress, lane, start.maxQueueSize, {
    answers: start.answers === true,
    ...(names && { names }),
    ...(start.tellsWanted && { stream: new LaneStream(lane, tell) }),
    ...(start.queries && { queries: new QueryOutlet(lane, (query) => say({ said: "query", query })) }),
    ...(start.carries && { carried: new CarriedOutlet(lane, start.lane.rxVnet === true, sayCarried) }),
    ...(inbound && { inbound }),
    ...(start.capture && { capture: new CaptureRing(start.capture) }),
  });
  ready(device.pump ?? "plain");
  loop.run();
}

function openInbound(engine: Engine, { inbound }: LaneStart, openers: LaneOpeners): InboundLane | undefined {
  if (inbound === undefined) return undefined;
  if (openers.tap === undefined) throw new Error("tap: expected an opener for it, found none");
  return new InboundLane(openers.tap(inbound.tap), engine.lane(inbound.laneIndex, INBOUND_LANE));
}

/** The host's side: starts the lane in `worker`. Device and way out must be such as can be handed over. */
export function startLaneWorker(worker: Worker, parts: LaneParts): LaneThread {
  const { inbound, takeQuery, wanted, carry, ...rest } = parts;
  const start: LaneStart = {
    ...rest,
    tellsWanted: wanted !== undefined,
    device: parts.device.handOver(),
    egress: parts.egress.handOver(),
    ...(inbound && { inbound: { laneIndex: inbound.laneIndex, tap: inbound.tap.handOver() } }),
    queries: takeQuery !== undefined,
    carries: carry !== undefined,
  };
  const memory = parts.engine.memory.buffer as unknown as SharedArrayBuffer;
  const taken = takenWord(memory, parts.laneIndex);
  const carried = carriedWord(memory, parts.laneIndex);
  const ready = Promise.withResolvers<LaneReady>();
  const ended = Promise.withResolvers<Error | undefined>();
  const fail = (error: Error): void => {
    ready.reject(error);
    ended.resolve(error);
  };
  worker.addEventListener("message", (event: MessageEvent<Said>) => {
    if (event.data.said === "ready") ready.resolve({ pump: event.data.pump });
    else if (event.data.said === "wanted") wanted?.(event.data.translations);
    else if (event.data.said === "carried") {
      Atomics.add(carried, 0, event.data.packets.length);
      carry?.(event.data.packets);
    } else if (event.data.said === "query") {
      Atomics.add(taken, 0, 1);
      takeQuery?.(event.data.query);
    } else if (event.data.said === "ended") ended.resolve(undefined);
    else fail(new Error(`lane ${start.laneIndex} failed: ${event.data.message}`));
  });
  worker.addEventListener("error", (event) => fail(new Error(`lane ${start.laneIndex} failed: ${event.message}`)));
  worker.addEventListener("close", () => fail(new Error(`lane ${start.laneIndex} ended before it was told to`)));
  // Nobody may be waiting for `ready` when it fails later; `ended` carries the cause.
  ready.promise.catch(() => undefined);
  worker.postMessage(start);
  return { ready: ready.promise, ended: ended.promise, dispose: () => worker.terminate() };
}
