// A lane's work while somebody captures: the same calls, and behind each of them copies of what came and what leaves.
import { L7, Verdict } from "@bunnel/abi";
import type { PacketList } from "@bunnel/device";
import type { Lane, NameFinder, PacketMeta } from "@bunnel/engine";
import { CaptureKind, CaptureLevel, type CaptureRecord, type CaptureRing } from "./ring.ts";

/** Heads are of use while they are new: with so much unread, no more are copied. */
const HEADS_WAITING_MAX_BYTES = 32 * 1024;

const NOTHING_SAID = { verdict: Verdict.Pass, reason: 0, l7: L7.None, rule: -1 } as const;

const NOT_YET = { number: 0, delayMs: 0, timeMs: 0 } as const;

/** What is said of a copy, to be written again and again. */
type Said = { -readonly [Field in keyof Omit<CaptureRecord, "octets">]: CaptureRecord[Field] };

/** Copies what a lane does into a ring. */
export class PacketCopier {
  readonly #octets: Uint8Array;
  /** Written anew for each head: the lane's thread makes no objects while packets flow. */
  readonly #said: Said = { ...NOTHING_SAID, kind: CaptureKind.Before, index: 0, count: 0, ...NOT_YET };
  #number = 0;

  constructor(
    readonly ring: CaptureRing,
    readonly lane: Lane,
  ) {
    this.#octets = new Uint8Array(lane.memory);
  }

  get isOn(): boolean {
    return this.ring.level !== CaptureLevel.Off;
  }

  /** What `Lane.work` does, with copies. */
  work(to: number, nowMs: number, send: () => void, names?: NameFinder): void {
    const { lane } = this;
    for (let done = 0; done < to;) {
      const from = done;
      done = lane.poll(from, to, nowMs);
      this.#copy(from, done);
      if (lane.txCount > 0) send();
      const { question } = lane;
      if (question) lane.answer(question, names ? names.look(question.payload, question.hash, nowMs) : "none");
    }
  }

  /** Copies what the last `poll(0, 0, now)` lists: packets whose time was over. */
  released(): void {
    this.#copy(0, 0);
  }

  #copy(from: number, to: number): void {
    const { level } = this.ring;
    if (level === CaptureLevel.Heads) {
      this.#copyHeads(from, to);
      return;
    }
    const timeMs = performance.timeOrigin + performance.now();
    let next = 0;
    for (let i = from; i < to; i++) {
      const meta = this.lane.meta(i);
      const number = this.#number++ >>> 0;
      this.#copyReleased(next, meta.txFirst, timeMs);
      next = Math.max(next, meta.txFirst + meta.txCount);
      const isWanted = meta.l7 !== L7.None || meta.verdict !== Verdict.Pass;
      if (level === CaptureLevel.Packets || isWanted) this.#copyOne(i, meta, number, timeMs);
    }
    this.#copyReleased(next, this.lane.txCount, timeMs);
  }

  /** What came up alone, and of that the messages whose answers somebody looks for. */
  #copyHeads(from: number, to: number): void {
    // In a flood this costs nothing, and takes no memory.
    if (this.ring.waitingBytes > HEADS_WAITING_MAX_BYTES) return;
    const { lane } = this;
    const said = this.#said;
    said.timeMs = performance.timeOrigin + performance.now();
    for (let i = from; i < to; i++) {
      const number = this.#number++ >>> 0;
      const l7 = lane.l7(i);
      if (l7 !== L7.Tls && l7 !== L7.Http && l7 !== L7.Quic) continue;
      said.number = number;
      said.l7 = l7;
      said.verdict = lane.verdict(i);
      said.reason = lane.reason(i);
      said.rule = lane.rule(i);
      said.count = lane.standIns(i);
      this.ring.writeOne(said, this.#octets, lane.rx.at[i] ?? 0, lane.rx.lengths[i] ?? 0);
    }
  }

  #copyOne(i: number, meta: PacketMeta, number: number, timeMs: number): void {
    const { rx, tx, txDelaysMs } = this.lane;
    const { verdict, reason, l7, rule, txFirst, txCount } = meta;
    const said = { verdict, reason, l7, rule, number, timeMs, count: txCount };
    const records: CaptureRecord[] = [
      { ...said, kind: CaptureKind.Before, index: 0, delayMs: 0, octets: this.#packet(rx, i) },
    ];
    for (let index = 0; index < txCount; index++) {
      const delayMs = txDelaysMs[txFirst + index] ?? 0;
      records.push({ ...said, kind: CaptureKind.After, index, delayMs, octets: this.#packet(tx, txFirst + index) });
    }
    this.ring.write(records);
  }

  #copyReleased(from: number, to: number, timeMs: number): void {
    const { tx } = this.lane;
    for (let i = from; i < to; i++) {
      const released = { ...NOTHING_SAID, kind: CaptureKind.Released, index: 0, count: 1, number: 0, delayMs: 0 };
      this.ring.write([{ ...released, timeMs, octets: this.#packet(tx, i) }]);
    }
  }

  /** A view: the ring copies it. */
  #packet(list: PacketList, i: number): Uint8Array {
    const at = list.at[i] ?? 0;
    return this.#octets.subarray(at, at + (list.lengths[i] ?? 0));
  }
}
