// Which flows are throttled, from what the system says of their sockets once a second. Pure: time is told.
//
//   slow       every second brings less than the threshold, hardly one brings nothing, and the program has read it all
//   held back  in many of these seconds segments came behind a gap: something on the way drops what the server sends
//   quick      meanwhile another host's flow brought twice the threshold: it is not the network
//
// All three for the whole of the time that the profile says: the flow is throttled. Boxes that throttle drop what is
// above their rate (Xue and others, "Throttling Twitter", IMC 2021). A server that is slow by itself, a connection that
// is idle or says a few words, and a film that is fetched in bursts drop nothing, or are not slow for long.
import type { FlowVerdict, SocketFigures, StreamSeen, WatchedKind } from "./seen.ts";

/** Settings that the profile has. */
export interface RateSettings {
  /** Less than so many octets a second is slow; 0: nothing is. */
  readonly slowBytesPerSecond: number;
  /** For so long. */
  readonly slowMs: number;
}

/** A throttled flow counts for less than one that is cut off: it says less, and does less harm. */
export const THROTTLE_WEIGHT = 0.75;
/** How much quicker than the threshold another flow must be. */
export const QUICK_TIMES = 2;
/** And so much must come: servers send the first kilobytes of any answer at once. */
export const QUICK_MIN_BYTES = 64 * 1024;
/** A flow that brought so much at more than the threshold is not throttled; boxes let a burst pass first. */
export const FREE_BYTES = 256 * 1024;
/** Fewer octets a second are a conversation. */
export const TALK_BYTES_PER_SECOND = 2 * 1024;
/** Of the time, at least: with a policer of 16 KiB/s gaps were seen in half of the seconds. */
export const HELD_BACK_SHARE = 3 / 8;
/** Without an octet for longer it is idle. */
export const IDLE_MAX_MS = 2_500;
/** What the program has not read: with more it is the program that is slow. */
export const UNREAD_MAX_BYTES = 16 * 1024;
/** Two looks that lie further apart say nothing of a second. */
export const STEP_MAX_MS = 5_000;
/** A flow is watched for so long. */
export const RATE_WATCH_MAX_MS = 120_000;
/** Flows at a time; the oldest goes. */
export const RATE_FLOWS_MAX = 256;

interface Pace {
  readonly host: string;
  readonly kind: WatchedKind;
  readonly helloAt: number;
  at: number;
  received: number;
  outOfOrder: number;
  /** The slow time so far: when it began, how long it is, what it brought. */
  slowFrom: number;
  slowMs: number;
  slowBytes: number;
  idleMs: number;
  heldBackMs: number;
}

interface Quick {
  readonly host: string | undefined;
  readonly at: number;
}

export class RateWatch {
  readonly #flows = new Map<string, Pace>();
  /** The last two hosts that were quick: one of them is another than the slow one. */
  #quick: readonly Quick[] = [];

  constructor(public settings: RateSettings) {}

  /** Flows whose sockets are of interest. */
  get watched(): Iterable<string> {
    return this.#flows.keys();
  }

  /** Whether one of them is slow just now. */
  get isAnySlow(): boolean {
    for (const { slowMs } of this.#flows.values()) if (slowMs > 0) return true;
    return false;
  }

  /** What follows from it. @param now milliseconds of any clock that does not go back */
  take(seen: StreamSeen, now: number): FlowVerdict[] {
    switch (seen.seen) {
      case "hello":
        if (this.settings.slowBytesPerSecond > 0 && !this.#flows.has(seen.flow)) this.#open(seen, now);
        return [];
      case "socket":
        return this.#sampled(seen.flow, seen, now);
      case "other":
        if (seen.bytesPerSecond >= QUICK_TIMES * this.settings.slowBytesPerSecond) this.#noteQuick(undefined, now);
        return [];
      case "reset":
      case "gone":
        this.#flows.delete(seen.flow);
        return [];
      case "end":
      case "synAck":
      case "redirect":
        return [];
    }
  }

  /** An answer that came and ended between two looks. */
  brought(host: string, bytes: number, tookMs: number, now: number): void {
    const least = (QUICK_TIMES * this.settings.slowBytesPerSecond * Math.max(tookMs, 1)) / 1000;
    if (bytes >= Math.max(QUICK_MIN_BYTES, least)) this.#noteQuick(host, now);
  }

  /** Forgets what is watched for too long. */
  tick(now: number): void {
    for (const [flow, { helloAt }] of this.#flows) if (now - helloAt >= RATE_WATCH_MAX_MS) this.#flows.delete(flow);
  }

  /** Another network: nothing of before counts. */
  clear(): void {
    this.#flows.clear();
    this.#quick = [];
  }

  #open({ flow, host, kind }: Extract<StreamSeen, { seen: "hello" }>, now: number): void {
    const [oldest] = this.#flows.keys();
    if (this.#flows.size >= RATE_FLOWS_MAX && oldest !== undefined) this.#flows.delete(oldest);
    const count = { received: 0, outOfOrder: 0, slowMs: 0, slowBytes: 0, idleMs: 0, heldBackMs: 0 };
    this.#flows.set(flow, { host, kind, helloAt: now, at: now, slowFrom: now, ...count });
  }

  #sampled(name: string, { received, unread, outOfOrder }: SocketFigures, now: number): FlowVerdict[] {
    const flow = this.#flows.get(name);
    if (flow === undefined || now <= flow.at) return [];
    const { host, kind, helloAt } = flow;
    const stepMs = now - flow.at;
    const bytes = received - flow.received;
    // Another connection of the same name.
    if (bytes < 0) {
      this.#flows.delete(name);
      return [];
    }
    const isHeldBack = (outOfOrder ?? 0) > flow.outOfOrder;
    Object.assign(flow, { at: now, received, outOfOrder: outOfOrder ?? 0 });
    const slow = this.settings.slowBytesPerSecond;
    const rate = (bytes * 1000) / stepMs;
    if (rate >= QUICK_TIMES * slow && bytes >= QUICK_MIN_BYTES) this.#noteQuick(host, now);
    if (received >= FREE_BYTES && (received * 1000) / (now - helloAt) >= slow) {
      this.#flows.delete(name);
      return [{ host, kind, helloAt, symptom: undefined, weight: 1, isQuick: true }];
    }
    const idleMs = bytes > 0 ? 0 : flow.idleMs + stepMs;
    const isSlow = rate < slow && idleMs <= IDLE_MAX_MS && unread <= UNREAD_MAX_BYTES && stepMs <= STEP_MAX_MS;
    if (!isSlow) {
      Object.assign(flow, { slowFrom: now, slowMs: 0, slowBytes: 0, idleMs, heldBackMs: 0 });
      return [];
    }
    flow.idleMs = idleMs;
    flow.slowMs += stepMs;
    flow.slowBytes += bytes;
    if (isHeldBack) flow.heldBackMs += stepMs;
    return flow.slowMs >= this.settings.slowMs ? this.#judge(name, flow, now) : [];
  }

  /** It was slow for the whole time. What is not throttled begins anew. */
  #judge(name: string, flow: Pace, now: number): FlowVerdict[] {
    const { host, kind, helloAt, slowFrom, slowMs, slowBytes, heldBackMs } = flow;
    const isTransfer = (slowBytes * 1000) / slowMs >= TALK_BYTES_PER_SECOND;
    const isHeldBack = heldBackMs >= slowMs * HELD_BACK_SHARE;
    const isAlone = this.#quick.some((quick) => quick.host !== host && quick.at >= slowFrom);
    if (!isTransfer || !isHeldBack || !isAlone) {
      Object.assign(flow, { slowFrom: now, slowMs: 0, slowBytes: 0, heldBackMs: 0 });
      return [];
    }
    this.#flows.delete(name);
    return [{ host, kind, helloAt, symptom: "throttle", weight: THROTTLE_WEIGHT }];
  }

  #noteQuick(host: string | undefined, at: number): void {
    const other = this.#quick.find((quick) => quick.host !== host);
    this.#quick = other === undefined ? [{ host, at }] : [{ host, at }, other];
  }
}
