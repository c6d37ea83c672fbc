// What a probe may use: time, connections and octets. Everything that goes out is counted here.

export interface Limits {
  readonly seconds: number;
  readonly connections: number;
  /** Both directions. */
  readonly octets: number;
}

/** Counts what is used. */
export interface Traffic {
  /** What is under way is given up at once. */
  readonly signal?: AbortSignal;
  connection(): void;
  octets(count: number): void;
}

/** What was used so far. */
export interface Used {
  readonly seconds: number;
  readonly connections: number;
  readonly octets: number;
}

export class Budget implements Traffic {
  #connections: number;
  #octets: number;
  readonly #beganMs: number;
  readonly #stopping = new AbortController();

  /** @param before what an earlier run of the same probe has used */
  constructor(
    readonly limits: Limits,
    readonly nowMs: () => number = () => performance.now(),
    before: Used = { seconds: 0, connections: 0, octets: 0 },
  ) {
    this.#beganMs = nowMs() - before.seconds * 1000;
    this.#connections = before.connections;
    this.#octets = before.octets;
  }

  connection(): void {
    this.#connections++;
  }

  octets(count: number): void {
    this.#octets += count;
  }

  /** Nothing more is begun from now on, and what is under way is given up. */
  stop(): void {
    this.#stopping.abort();
  }

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  get isStopped(): boolean {
    return this.signal.aborted;
  }

  get used(): Used {
    const seconds = Math.round((this.nowMs() - this.#beganMs) / 100) / 10;
    return { seconds, connections: this.#connections, octets: this.#octets };
  }

  /** Which limit is reached, in words; undefined: none. */
  get spent(): string | undefined {
    const { seconds, connections, octets } = this.used;
    if (this.isStopped) return "it was interrupted";
    if (seconds >= this.limits.seconds) return `its ${this.limits.seconds} seconds are over`;
    if (connections >= this.limits.connections) return `its ${this.limits.connections} connections are used`;
    if (octets >= this.limits.octets) return `its ${this.limits.octets} octets are used`;
    return undefined;
  }
}
