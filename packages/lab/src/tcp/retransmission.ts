// When to send again: a first wait that doubles with every turn (RFC 6298 section 5.5), and an end to it.

/** The wait before the first repetition, milliseconds (RFC 6298 section 2.1). */
export const RETRANSMIT_FIRST_MS = 1000;
/** Repetitions before the sender gives up. */
export const RETRANSMIT_MAX = 5;

export class RetransmitTimer {
  #dueMs: number | undefined;
  #turns = 0;
  readonly #turnsMax: number;

  /** @param turnsMax repetitions before it is over */
  constructor(turnsMax = RETRANSMIT_MAX) {
    this.#turnsMax = turnsMax;
  }

  /** When the timer runs out; undefined while it stands still. */
  get dueMs(): number | undefined {
    return this.#dueMs;
  }

  /** Starts from the first wait again. */
  start(nowMs: number): void {
    this.#turns = 0;
    this.#dueMs = nowMs + RETRANSMIT_FIRST_MS;
  }

  stop(): void {
    this.#dueMs = undefined;
  }

  /** "wait": not yet. "repeat": send again, the next wait is set. "over": all repetitions are used up. */
  check(nowMs: number): "wait" | "repeat" | "over" {
    if (this.#dueMs === undefined || nowMs < this.#dueMs) return "wait";
    if (this.#turns >= this.#turnsMax) {
      this.#dueMs = undefined;
      return "over";
    }
    this.#turns += 1;
    this.#dueMs = nowMs + RETRANSMIT_FIRST_MS * 2 ** this.#turns;
    return "repeat";
  }
}
