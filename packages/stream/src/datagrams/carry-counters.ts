// What is counted where datagrams are carried on, in memory that both threads see.

/** Figures since the start. */
export interface CarryStats {
  /** UDP sockets now. */
  readonly sessions: number;
  /** Sockets that were closed, and askers of echoes that were forgotten, because there were too many. */
  readonly sessionsEvicted: number;
  readonly echoesEvicted: number;
  /** Datagrams that left, and answers that came. */
  readonly sent: number;
  readonly received: number;
  /** Echo requests that left, and replies that came. */
  readonly echoesSent: number;
  readonly echoesReceived: number;
  /** ICMP errors that were told to clients. */
  readonly errorsTold: number;
  /** Datagrams in fragments that did not become whole. */
  readonly fragmentsLost: number;
  /** The system would not send, or had no room. */
  readonly refused: number;
  /** Packets that came faster than they could be sent on. */
  readonly dropped: number;
}

const NAMES = [
  "sessions",
  "sessionsEvicted",
  "echoesEvicted",
  "sent",
  "received",
  "echoesSent",
  "echoesReceived",
  "errorsTold",
  "fragmentsLost",
  "refused",
  "dropped",
] as const satisfies readonly (keyof CarryStats)[];
/** Octets of records that the thread has worked off, modulo 2^32. */
const TAKEN_AT = NAMES.length * 8;

export class CarryCounters {
  readonly #values: Float64Array;
  readonly #taken: Uint32Array;

  constructor(readonly memory = new SharedArrayBuffer(TAKEN_AT + 8)) {
    this.#values = new Float64Array(memory, 0, NAMES.length);
    this.#taken = new Uint32Array(memory, TAKEN_AT, 1);
  }

  add(name: keyof CarryStats, count = 1): void {
    const place = NAMES.indexOf(name);
    this.#values[place] = (this.#values[place] ?? 0) + count;
  }

  set(name: keyof CarryStats, value: number): void {
    this.#values[NAMES.indexOf(name)] = value;
  }

  /** Octets that were taken so far. */
  get taken(): number {
    return Atomics.load(this.#taken, 0);
  }

  take(bytes: number): void {
    Atomics.add(this.#taken, 0, bytes);
  }

  read(): CarryStats {
    return Object.fromEntries(NAMES.map((name, place) => [name, this.#values[place] ?? 0])) as unknown as CarryStats;
  }
}
