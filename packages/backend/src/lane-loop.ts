// The data path of one lane:
//   1. sleep in the device until packets wait, somebody wakes us, or the backlog wants another try
//   2. read a burst straight into the engine's slots
//   3. enter into the flow table what has arrived from outside before it
//   4. one engine call
//   5. send what it listed; what the way out does not take waits in the backlog, in order; resets and ICMP errors wait
//      for a while where that is full, too
//   6. give away the DNS queries that somebody answers and what sockets carry on, and tell the senders of QUIC that a
//      rule dropped
//   Where flows are translated, what the host answered about them comes before 2, and what they want is told after 5.
import { CONTROL_BASE, CONTROL_STOP, Counter, L7, Reason, VNET_HEADER_BYTES } from "@bunnel/abi";
import { Wake, type PacketList, type TunDevice } from "@bunnel/device";
import type { Egress } from "@bunnel/egress";
import { laneCounters, laneTurns, type Lane, type NameFinder } from "@bunnel/engine";
import { Backlog } from "./backlog.ts";
import { PacketCopier } from "./capture/copy-packets.ts";
import type { CaptureRing } from "./capture/ring.ts";
import { Delayed } from "./delayed.ts";
import type { QueryOutlet } from "./dns/query-outlet.ts";
import type { InboundLane } from "./inbound-lane.ts";
import { isSaidOnce, LastWords } from "./last-words.ts";
import { answerUnreachable } from "./port-unreachable.ts";
import type { CarriedOutlet } from "./stream/carried-outlet.ts";
import type { LaneStream } from "./stream/lane-side.ts";

/** Of the lane's queue region, for resets and ICMP errors that find the backlog full. */
const WORDS_BYTES = 0x20000;
/** How long a full way out is left alone before the next try. */
const BACKLOG_RETRY_MS = 1;
/** How soon held messages are looked at again; see HOLD_MAX_MS. */
const HELD_LOOK_MS = 10;
/** The stop word is looked at at least this often, even when a wake is lost. */
const SLEEP_MAX_MS = 1000;

/** Bursts that are still carried after the stop. */
const LAST_BURSTS_MAX = 64;
const LOW_MAX = 0xffff_ffff;

/** Where the host counts what a rule dropped. */
const DROP_RULE: number = Counter.Reasons + Reason.DropRule;

/** What a lane can do without. */
export interface LaneExtras {
  /** Finds the names in QUIC. Without it, QUIC has none. */
  readonly names?: NameFinder;
  readonly inbound?: InboundLane;
  /** Answer QUIC that a rule dropped, by a way out that delivers to this machine too. Default false. */
  readonly answers?: boolean;
  /** Translates flows of stream rules. */
  readonly stream?: LaneStream;
  /** Takes DNS queries that are answered. Without it they are lost. */
  readonly queries?: QueryOutlet;
  /** Takes datagrams and echo requests that sockets carry on. Without it they are lost. */
  readonly carried?: CarriedOutlet;
  /** Where copies of packets go while somebody captures. */
  readonly capture?: CaptureRing;
}

/** One lane's turn after turn: what waits is read, worked on in one call, and sent. See the stations above. */
export class LaneLoop {
  /** The lane's counters, as halves: adding to a BigInt would take memory for each packet. */
  readonly #counters: Uint32Array;
  readonly #control: Int32Array;
  /** Each turn is counted, also one that finds nothing: whoever watches sees that the thread lives. */
  readonly #turns: Int32Array;
  readonly #backlog: Backlog;
  readonly #words: LastWords;
  readonly #delayed: Delayed;
  readonly #octets: Uint8Array;
  readonly #answer: PacketList = { at: new Uint32Array(1), lengths: new Uint16Array(1) };
  readonly #copier: PacketCopier | undefined;
  readonly #sendListed = (): void => this.#send();
  #refused = 0;
  #dropped: number | undefined;
  #nowMs = 0;

  constructor(
    readonly device: TunDevice,
    readonly egress: Egress,
    readonly lane: Lane,
    maxQueueSize: number,
    readonly extras: LaneExtras = {},
  ) {
    const { memory, queue, scratch } = lane;
    device.attach(memory);
    egress.attach(memory, scratch.at, scratch.bytes);
    const counters = laneCounters(memory, lane.index);
    this.#counters = new Uint32Array(memory, counters.byteOffset, 2 * counters.length);
    this.#control = new Int32Array(memory, CONTROL_BASE, 16);
    this.#turns = laneTurns(memory, lane.index);
    const half = queue.bytes / 2;
    this.#backlog = new Backlog(memory, { at: queue.at, bytes: half }, maxQueueSize);
    this.#words = new LastWords(memory, { at: queue.at + half, bytes: WORDS_BYTES });
    this.#delayed = new Delayed(memory, { at: queue.at + half + WORDS_BYTES, bytes: half - WORDS_BYTES });
    this.#octets = new Uint8Array(memory);
    this.#copier = extras.capture && new PacketCopier(extras.capture, lane);
    this.#dropped = this.#counters[2 * DROP_RULE];
    this.#refused = egress.refused;
  }

  get isStopped(): boolean {
    return Atomics.load(this.#control, CONTROL_STOP / 4) !== 0;
  }

  /** One burst; returns how many packets came in. */
  turn(): number {
    const { lane } = this;
    Atomics.add(this.#turns, 0, 1);
    const nowMs = Date.now() >>> 0;
    this.#nowMs = nowMs;
    if (this.#backlog.count > 0) this.#noteSent(this.#backlog.flush(this.egress));
    if (this.#words.count > 0) this.#sayWords(nowMs);
    if (this.#delayed.count > 0) this.#sendDue(nowMs);
    this.extras.stream?.admit(nowMs, this.#sendListed);
    const came = this.device.read(lane.rx, 0, lane.slotPacketBytes);
    // Only now, so that an answer which a packet of this burst follows is there.
    this.extras.inbound?.take(nowMs);
    if (came === 0) {
      if (lane.heldCount > 0) {
        lane.poll(0, 0, nowMs);
        if (this.#copier?.isOn === true) this.#copier.released();
        this.#send();
      }
      return 0;
    }
    const worker = this.#copier?.isOn === true ? this.#copier : lane;
    worker.work(came, nowMs, this.#sendListed, this.extras.names);
    this.extras.stream?.tellWanted();
    this.extras.queries?.take(came);
    this.extras.carried?.take(came);
    if (this.extras.answers === true && this.#counters[2 * DROP_RULE] !== this.#dropped) this.#answerDropped(came);
    this.#add(Counter.Turns, 1);
    return came;
  }

  /** Turns until it is told to stop or the device is gone. */
  run(): void {
    while (!this.isStopped) {
      if (this.turn() > 0 && this.device.mayHaveMore !== false) continue;
      if (this.device.wait(this.#sleepMs()) === Wake.Closed) break;
    }
    // What came up before the end still leaves: its senders would wait for a retransmission.
    for (let bursts = 0; bursts < LAST_BURSTS_MAX && this.turn() > 0; bursts++);
    this.#add(Counter.QueueDropped, this.#backlog.count + this.#delayed.count);
    this.#add(Counter.AnswersDropped, this.#words.count);
  }

  /** A full way out, a held message and a delayed packet want another look soon. */
  #sleepMs(): number {
    if (this.#backlog.count > 0 || this.#words.count > 0) return BACKLOG_RETRY_MS;
    if (this.#delayed.count > 0) return this.#delayed.dueInMs(Date.now() >>> 0);
    return this.lane.heldCount > 0 ? HELD_LOOK_MS : SLEEP_MAX_MS;
  }

  /** Sends what the engine listed; runs of packets without a delay go out in one call. */
  #send(): void {
    const { tx, txCount, txDelaysMs } = this.lane;
    for (let from = 0; from < txCount;) {
      let to = from;
      while (to < txCount && txDelaysMs[to] === 0) to++;
      if (to > from) this.#sendRun(tx, from, to);
      for (; to < txCount && txDelaysMs[to] !== 0; to++) {
        if (!this.#delayed.add(tx, to, this.#nowMs + (txDelaysMs[to] ?? 0))) this.#sendRun(tx, to, to + 1);
      }
      from = to;
    }
  }

  #sendRun(list: PacketList, from: number, to: number): void {
    const taken = this.#backlog.count === 0 ? this.egress.send(list, from, to) : 0;
    this.#noteSent(taken);
    const sent = from + taken;
    if (sent < to) this.#keep(list, sent, to);
  }

  /** What finds no room is dropped and counted. */
  #keep(list: PacketList, from: number, to: number): void {
    for (let i = to - this.#backlog.push(list, from, to); i < to; i++) {
      if (!isSaidOnce(this.#octets, list.at[i] ?? 0, list.lengths[i] ?? 0)) this.#add(Counter.QueueDropped, 1);
      else if (!this.#words.keep(list, i, this.#nowMs)) this.#add(Counter.AnswersDropped, 1);
    }
  }

  #sayWords(nowMs: number): void {
    if (this.#backlog.count === 0) this.#noteSent(this.#words.flush(this.egress));
    this.#add(Counter.AnswersDropped, this.#words.expire(nowMs));
  }

  /** The packets that were dropped still lie in their slots, and nobody else needs those any more. */
  #answerDropped(came: number): void {
    const { lane } = this;
    this.#dropped = this.#counters[2 * DROP_RULE];
    for (let i = 0; i < came; i++) {
      const { reason, l7 } = lane.meta(i);
      if (reason !== Reason.DropRule || l7 !== L7.Quic) continue;
      const answer = answerUnreachable(this.#octets, lane.rx.at[i] ?? 0, lane.rx.lengths[i] ?? 0);
      if (answer === undefined) continue;
      this.#answer.at[0] = answer.at;
      this.#answer.lengths[0] = answer.bytes;
      // No offload: a way out that takes a virtio header finds an empty one.
      this.#octets.fill(0, answer.at - VNET_HEADER_BYTES, answer.at);
      this.#sendRun(this.#answer, 0, 1);
    }
  }

  #sendDue(nowMs: number): void {
    for (const { list, slot } of this.#delayed.due(nowMs)) {
      this.#sendRun(list, slot, slot + 1);
      this.#delayed.free(slot);
    }
  }

  /** Of the packets that the way out took, some were refused by the system: they are counted apart. */
  #noteSent(taken: number): void {
    if (taken === 0) return;
    const { refused } = this.egress;
    const news = refused - this.#refused;
    this.#refused = refused;
    this.#add(Counter.EgressSent, taken - news);
    if (news > 0) this.#add(Counter.EgressRefused, news);
  }

  #add(counter: Counter, by: number): void {
    if (by === 0) return;
    const counters = this.#counters;
    const low = (counters[2 * counter] ?? 0) + by;
    if (low > LOW_MAX) counters[2 * counter + 1] = (counters[2 * counter + 1] ?? 0) + 1;
    counters[2 * counter] = low;
  }
}
