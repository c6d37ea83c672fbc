// Holds the service to the memory that its profile allows: first it gives back what it can, then it ends, so that the
// service manager starts it afresh.
import { ExitError } from "./exit.ts";

const LOOK_EVERY_MS = 5_000;
const MEGABYTE = 1_000_000;
/** Looks in a row that found too much. */
const LOOKS = 3;

export interface MemoryParts {
  /** Millions of octets; 0: any. */
  readonly mostMb: () => number;
  /** Octets of the process. */
  readonly used: () => number;
  /** Gives back what can be done without. */
  readonly relieve: () => void;
  /** There was too much all the same. */
  readonly giveUp: (error: ExitError) => void;
}

/** Looks now and then, until it is disposed. */
export class MemoryWatch implements Disposable {
  #over = 0;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    readonly parts: MemoryParts,
    everyMs: number = LOOK_EVERY_MS,
  ) {
    this.#timer = setInterval(() => this.look(), everyMs);
    this.#timer.unref();
  }

  /** One look. */
  look(): void {
    const mostMb = this.parts.mostMb();
    const usedMb = Math.round(this.parts.used() / MEGABYTE);
    if (mostMb === 0 || usedMb <= mostMb) {
      this.#over = 0;
      return;
    }
    this.#over++;
    if (this.#over < LOOKS) {
      this.parts.relieve();
      return;
    }
    this[Symbol.dispose]();
    const message = `memory: expected at most ${mostMb} MB (limits.max_memory_mb), found ${usedMb} MB`;
    this.parts.giveUp(new ExitError(message));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
