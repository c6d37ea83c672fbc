// How often somebody may ask: a burst at once, then so many a second.

export class Allowance {
  #left: number;
  #sinceMs: number;

  constructor(
    readonly burst: number,
    readonly aSecond: number,
    readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#left = burst;
    this.#sinceMs = nowMs();
  }

  /** Whether one more is allowed now; it then counts. */
  take(): boolean {
    const now = this.nowMs();
    this.#left = Math.min(this.burst, this.#left + ((now - this.#sinceMs) / 1000) * this.aSecond);
    this.#sinceMs = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
