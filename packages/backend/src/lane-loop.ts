// The data path of one lane:
//   1. sleep in the device until packets wait, somebody wakes us, or the backlog wants another try
//   2. read a burst straight into the engine's slots
//   3. one engine call
//   4. send what it listed; what the way out does not take waits in the backlog, in order
import { CONTROL_BASE, CONTROL_STOP, Counter } from "@bunnel/abi";
import { Wake, type TunDevice } from "@bunnel/device";
import type { Egress } from "@bunnel/egress";
import { laneCounters, type Lane } from "@bunnel/engine";
import { Backlog } from "./backlog.ts";

/** How long a full way out is left alone before the next try. */
const BACKLOG_RETRY_MS = 1;
/** The stop word is looked at at least this often, even when a wake is lost. */
const SLEEP_MAX_MS = 1000;

export class LaneLoop {
  readonly #counters: BigUint64Array;
  readonly #control: Int32Array;
  readonly #backlog: Backlog;
  #refused = 0;

  constructor(
    readonly device: TunDevice,
    readonly egress: Egress,
    readonly lane: Lane,
    maxQueueSize: number,
  ) {
    const { memory, queue, scratch } = lane;
    device.attach(memory);
    egress.attach(memory, scratch.at, scratch.bytes);
    this.#counters = laneCounters(memory, lane.index);
    this.#control = new Int32Array(memory, CONTROL_BASE, 16);
    this.#backlog = new Backlog(memory, queue, maxQueueSize);
  }

  get isStopped(): boolean {
    return Atomics.load(this.#control, CONTROL_STOP / 4) !== 0;
  }

  /** One burst; returns how many packets came in. */
  turn(): number {
    const { lane } = this;
    if (this.#backlog.count > 0) this.#noteSent(this.#backlog.flush(this.egress));
    const came = this.device.read(lane.rx, 0, lane.slotPacketBytes);
    if (came === 0) return 0;
    const nowMs = Date.now() >>> 0;
    for (let done = 0; done < came; ) {
      done = lane.poll(done, came, nowMs);
      this.#send(lane.txCount);
    }
    this.#add(Counter.Turns, 1);
    return came;
  }

  /** Turns until it is told to stop or the device is gone. */
  run(): void {
    while (!this.isStopped) {
      if (this.turn() > 0) continue;
      const waits = this.#backlog.count > 0;
      if (this.device.wait(waits ? BACKLOG_RETRY_MS : SLEEP_MAX_MS) === Wake.Closed) break;
    }
    // What came up before the end still leaves: its senders would wait for a retransmission.
    for (let bursts = 0; bursts < LAST_BURSTS_MAX && this.turn() > 0; bursts++);
    this.#add(Counter.QueueDropped, this.#backlog.count);
  }

  #send(count: number): void {
    const { tx } = this.lane;
    let sent = 0;
    if (this.#backlog.count === 0) sent = this.egress.send(tx, 0, count);
    this.#noteSent(sent);
    if (sent < count) this.#add(Counter.QueueDropped, this.#backlog.push(tx, sent, count));
  }

  /** Of the packets that the way out took, some were refused by the system: they are counted apart. */
  #noteSent(taken: number): void {
    if (taken === 0) return;
    const refused = refusedOf(this.egress);
    const news = refused - this.#refused;
    this.#refused = refused;
    this.#add(Counter.EgressSent, taken - news);
    if (news > 0) this.#add(Counter.EgressRefused, news);
  }

  #add(counter: Counter, by: number): void {
    if (by > 0) this.#counters[counter] = (this.#counters[counter] ?? 0n) + BigInt(by);
  }
}

/** Bursts that are still carried after the stop. */
const LAST_BURSTS_MAX = 64;

function refusedOf(egress: Egress): number {
  let sum = 0;
  for (const packets of Object.values(egress.counters().refused)) sum += packets;
  return sum;
}
