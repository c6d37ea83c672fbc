// One lane of the flood: its part of the mix, over and over.
import { Counter, RX_MAX } from "@bunnel/abi";
import { Engine, type EngineHandOver, laneCounters } from "@bunnel/engine";

export interface FloodPart {
  readonly engine: EngineHandOver;
  readonly laneIndex: number;
  /** Where each packet starts, and its octets. */
  readonly at: Uint32Array;
  readonly lengths: Uint16Array;
}

/** What a Worker is told: its part once, then so many passes each time. */
export type FloodWord = { readonly part: FloodPart } | { readonly passes: number };

declare const self: Worker;

const START_MS = 1000;
let run: ((passes: number) => number) | undefined;

self.addEventListener("message", ({ data }: MessageEvent<FloodWord>) => {
  if ("part" in data) run = runnerOf(data.part);
  self.postMessage("passes" in data ? (run?.(data.passes) ?? 0) : 0);
});

/** Answers how many flows a run has made. */
function runnerOf({ engine, laneIndex, at, lengths }: FloodPart): (passes: number) => number {
  const lane = Engine.attach(engine).lane(laneIndex, { plan: false, track: true });
  const counters = laneCounters(lane.memory, laneIndex);
  let nowMs = START_MS;
  return (passes) => {
    const before = counters[Counter.FlowsInserted] ?? 0n;
    for (let pass = 0; pass < passes; pass++) {
      for (let from = 0; from < at.length; from += RX_MAX) {
        lane.rx.at.set(at.subarray(from, from + RX_MAX));
        lane.rx.lengths.set(lengths.subarray(from, from + RX_MAX));
        // The clock goes on with each burst, so that the oldest flow is known.
        lane.poll(0, Math.min(RX_MAX, at.length - from), nowMs++);
      }
    }
    return Number((counters[Counter.FlowsInserted] ?? 0n) - before);
  };
}
