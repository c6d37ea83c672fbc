// Whether an upstream is worth asking: after failures it is left alone for a while, each time twice as long.

const FIRST_MS = 1000;
const MAX_MS = 60_000;

/** How an upstream has done lately. */
export class Health {
  #failuresInARow = 0;
  #untilMs = 0;

  /** Not before this moment, unless there is nobody else. */
  get leftAloneUntilMs(): number {
    return this.#untilMs;
  }

  isWell(nowMs: number): boolean {
    return nowMs >= this.#untilMs;
  }

  /** Works, or what was seen of it counts no longer. */
  noteSuccess(): void {
    this.#failuresInARow = 0;
    this.#untilMs = 0;
  }

  noteFailure(nowMs: number): void {
    this.#failuresInARow++;
    this.#untilMs = nowMs + Math.min(MAX_MS, FIRST_MS * 2 ** (this.#failuresInARow - 1));
  }
}
