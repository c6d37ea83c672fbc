// Work that is asked for by events: a network that changes tells of it many times over, and one look is enough for all.

/** What is asked for so soon behind the last time waits and is done once. */
const EVERY_MS = 50;
/** Work that failed is tried again. */
const AGAIN_MS = 1_000;

/** Does its work when it is asked to: the first time at once, and then not more often than every 50 ms. */
export class Coalesced implements Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #doneMs = Number.NEGATIVE_INFINITY;
  #dueMs = Number.POSITIVE_INFINITY;
  #isOver = false;

  /** @param work that throws is done again a second later, until it does not */
  constructor(
    readonly work: () => void,
    readonly everyMs: number = EVERY_MS,
    readonly againMs: number = AGAIN_MS,
  ) {}

  /** Whoever asks knows that the work will begin after this call, or has begun in it. */
  ask(): void {
    const restMs = this.#doneMs + this.everyMs - performance.now();
    if (restMs <= 0) this.#do();
    else this.#plan(restMs);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #plan(inMs: number): void {
    const dueMs = performance.now() + inMs;
    if (this.#isOver || this.#dueMs <= dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => this.#do(), inMs);
    this.#timer.unref();
  }

  #do(): void {
    if (this.#isOver) return;
    clearTimeout(this.#timer);
    this.#dueMs = Number.POSITIVE_INFINITY;
    try {
      this.work();
      this.#doneMs = performance.now();
    } catch {
      // What was in force still is; the next event, or the clock, is another try.
      this.#doneMs = performance.now();
      this.#plan(this.againMs);
    }
  }
}
