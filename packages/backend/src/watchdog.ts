// Looks whether the lanes' threads are alive. Packets that came up to a thread that hangs are lost, and more come all
// the time: a machine is better off without its bunnel than with one that hangs.
import { laneTurns } from "@bunnel/engine";

/** A lane sleeps a second at most, so that it has turned between two looks. */
const LOOK_EVERY_MS = 1500;
/** Looks in a row that found a lane where it was. */
const LOOKS_MAX = 3;
/** A look that comes so late says that this thread did not run either: the machine slept, or has no time for us. */
const LATE_MS = 2 * LOOK_EVERY_MS;

/** What a watchdog may be told. */
export interface WatchdogOptions {
  /** Called once with the first lane that hangs. */
  readonly hung: (error: Error) => void;
  /** Called at each look that finds all of them alive. */
  readonly alive?: () => void;
  /** Milliseconds between looks. Default 1500. */
  readonly everyMs?: number;
}

interface Watched {
  readonly lane: number;
  readonly turns: Int32Array;
  seen: number;
  still: number;
}

/** Watches the turns of lanes until it is disposed, or the first of them hangs: after some 5 s, see above. */
export class Watchdog implements Disposable {
  readonly #watched: readonly Watched[];
  readonly #options: WatchdogOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #lookedMs = performance.now();

  constructor(memory: SharedArrayBuffer, lanes: readonly number[], options: WatchdogOptions) {
    this.#watched = lanes.map((lane) => {
      const turns = laneTurns(memory, lane);
      return { lane, turns, seen: Atomics.load(turns, 0), still: 0 };
    });
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), options.everyMs ?? LOOK_EVERY_MS);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = performance.now();
    const isLate = nowMs - this.#lookedMs > LATE_MS;
    this.#lookedMs = nowMs;
    for (const watched of this.#watched) {
      const turns = Atomics.load(watched.turns, 0);
      watched.still = turns === watched.seen && !isLate ? watched.still + 1 : 0;
      watched.seen = turns;
      if (watched.still < LOOKS_MAX) continue;
      this[Symbol.dispose]();
      this.#options.hung(new Error(`lane ${watched.lane} hangs: expected a turn each second, found none`));
      return;
    }
    this.#options.alive?.();
  }
}
