// All that looks at flows, as one: what is seen goes in, and what became of flows comes out.
import { FlowWatch } from "./flow-watch.ts";
import { QuicWatch } from "./quic-watch.ts";
import { RateWatch, type RateSettings } from "./rate-watch.ts";
import type { FlowVerdict, Seen, StreamSeen } from "./seen.ts";
import { SignsOfLife } from "./signs-of-life.ts";

/** Two looks at what arrived lie so far apart. */
const LOOK_MS = 200;

export class Watches {
  readonly #life = new SignsOfLife();
  readonly #flows = new FlowWatch(this.#life);
  readonly #quic = new QuicWatch(this.#life);
  readonly #rates: RateWatch;

  constructor(settings: RateSettings) {
    this.#rates = new RateWatch(settings);
  }

  set settings(settings: RateSettings) {
    this.#rates.settings = settings;
  }

  /** Flows of TCP whose sockets are of interest. */
  get flows(): readonly string[] {
    return [...new Set([...this.#flows.watched, ...this.#rates.watched])];
  }

  /** Whether it is of interest how quick other connections of this machine are. */
  get comparesOthers(): boolean {
    return this.#rates.isAnySlow;
  }

  /** Connections of QUIC whose answers are of interest. */
  get quic(): readonly string[] {
    return [...this.#quic.watched];
  }

  /** The host whose message went out on a flow. */
  hostOf(flow: string): string | undefined {
    return this.#flows.hostOf(flow);
  }

  /** Whose hello a datagram of QUIC has, where that is known. */
  quicHostOf(flow: string, id: string): string | undefined {
    return this.#quic.hostOf(flow, id);
  }

  /** What follows from it. @param now milliseconds of any clock that does not go back */
  take(seen: Seen, now: number): FlowVerdict[] {
    const isQuic = seen.seen === "initial" || seen.seen === "answer" || seen.seen === "unheard";
    return [...(isQuic ? [] : this.#takeStream(seen, now)), ...this.#quic.take(seen, now)];
  }

  /** Forgets what is watched for too long, and says what has become sure. */
  tick(now: number): FlowVerdict[] {
    this.#rates.tick(now);
    return [...this.#flows.tick(now), ...this.#quic.tick(now)];
  }

  /** Another network: what brought how much says nothing of it. */
  clear(): void {
    this.#rates.clear();
    this.#quic.clear();
  }

  #takeStream(seen: StreamSeen, now: number): FlowVerdict[] {
    const verdicts = this.#flows.take(seen, now);
    for (const { host, bytes = 0, helloAt } of verdicts) {
      this.#rates.brought(host, bytes, now - helloAt + LOOK_MS, now);
    }
    return [...verdicts, ...this.#rates.take(seen, now)];
  }
}
