// Keeps the memory of the service's own thread small. The run-time counts the engine's memory, half a gigabyte of which
// most is never touched, as part of the heap, and so lets garbage of a quarter of that lie before it looks for it.

const LOOK_EVERY_MS = 5_000;
/** Growth up to this is left to the run-time. */
const GROWTH_MAX_BYTES = 8_000_000;

export interface HeapParts {
  /** Octets of the process: what the run-time says of its heap leaves out what was made since it last looked. */
  readonly used: () => number;
  /** Frees what nobody holds. */
  readonly collect: () => void;
}

/** Looks now and then, until it is disposed. */
export class HeapKeeper implements Disposable {
  /** After the last collection, or less since. */
  #least: number;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    readonly parts: HeapParts = { used: () => process.memoryUsage.rss(), collect: () => Bun.gc(true) },
    everyMs: number = LOOK_EVERY_MS,
  ) {
    this.#least = parts.used();
    this.#timer = setInterval(() => this.look(), everyMs);
    this.#timer.unref();
  }

  /** One look. */
  look(): void {
    const used = this.parts.used();
    if (used - this.#least <= GROWTH_MAX_BYTES) {
      this.#least = Math.min(this.#least, used);
      return;
    }
    this.parts.collect();
    this.#least = this.parts.used();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
