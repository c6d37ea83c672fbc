// Virtual time: next comes what was planned for the earliest moment, and of one moment what was planned first.

interface Planned {
  readonly atMs: number;
  readonly action: () => void;
}

export class EventQueue {
  /** In order of time, then of planning. */
  readonly #planned: Planned[] = [];

  /** When the next action is due; undefined: nothing is planned. */
  get nextMs(): number | undefined {
    return this.#planned[0]?.atMs;
  }

  plan(atMs: number, action: () => void): void {
    const place = this.#planned.findLastIndex((planned) => planned.atMs <= atMs) + 1;
    this.#planned.splice(place, 0, { atMs, action });
  }

  /** Runs the next action. */
  runNext(): void {
    this.#planned.shift()?.action();
  }
}
