// One lane's thread in a flood. It reads the clock that its host turns, and looks after every burst whether each packet
// that came in has a verdict.
import { Counter, Reason, REASONS_MAX, RX_MAX } from "@bunnel/abi";
import { Engine, type EngineHandOver, laneCounters } from "@bunnel/engine";
import { type FloodKind, FloodWriter, numbersOf } from "./flood-packets.ts";

export interface FloodOrder {
  readonly engine: EngineHandOver;
  readonly laneIndex: number;
  readonly kinds: readonly FloodKind[];
  readonly bursts: number;
  readonly seed: number;
  /** One Int32: milliseconds. */
  readonly clock: SharedArrayBuffer;
}

export interface FloodReport {
  readonly packets: number;
  /** Packets that left. */
  readonly sent: number;
  /** Bursts after which packets in and verdicts did not add up. */
  readonly faults: number;
}

declare const self: Worker;

self.addEventListener("message", (event: MessageEvent<FloodOrder>) => self.postMessage(flood(event.data)));

function flood({ engine, laneIndex, kinds, bursts, seed, clock }: FloodOrder): FloodReport {
  const lane = Engine.attach(engine).lane(laneIndex);
  const counters = laneCounters(lane.memory, laneIndex);
  const number = numbersOf(seed);
  const writer = new FloodWriter(lane, number);
  const time = new Int32Array(clock);
  let [sent, faults] = [0, 0];
  for (let burst = 0; burst < bursts; burst++) {
    for (let i = 0; i < RX_MAX; i++) writer.write(i, kinds[number() % kinds.length] ?? "syn4");
    lane.work(RX_MAX, Atomics.load(time, 0), () => void (sent += lane.txCount));
    if (!addsUp(counters)) faults++;
  }
  // What is still held leaves when its time is over.
  lane.poll(0, 0, Atomics.load(time, 0) + 10_000);
  sent += lane.txCount;
  return { packets: bursts * RX_MAX, sent, faults };
}

/** Packets in = passed + replaced + held + dropped: every packet stands under one reason. */
function addsUp(counters: BigUint64Array): boolean {
  let sum = 0n;
  for (let reason = 0; reason < REASONS_MAX; reason++) sum += counters[Counter.Reasons + reason] ?? 0n;
  return sum === counters[Counter.PacketsIn] && (counters[Counter.Reasons + Reason.HoldMessage] ?? 0n) <= 48n * 12n;
}
