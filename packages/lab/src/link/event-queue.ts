// Virtual time: next comes what was planned for the earliest moment, and of one moment what was planned first.

interface Planned<Event> {
  readonly atMs: number;
  readonly event: Event;
}

export class EventQueue<Event> {
  /** In order of time, then of planning, from `#head` on. */
  #planned: Planned<Event>[] = [];
  #head = 0;

  /** When the next event is due; undefined: nothing is planned. */
  get nextMs(): number | undefined {
    return this.#planned[this.#head]?.atMs;
  }

  plan(atMs: number, event: Event): void {
    const planned = this.#planned;
    let place = planned.length;
    // Most events are the latest of all, or stand close to the end.
    while (place > this.#head && (planned[place - 1]?.atMs ?? 0) > atMs) place -= 1;
    if (place === planned.length) planned.push({ atMs, event });
    else planned.splice(place, 0, { atMs, event });
  }

  /** Takes the next event out. */
  take(): Event | undefined {
    const next = this.#planned[this.#head];
    if (next === undefined) return undefined;
    this.#head += 1;
    if (this.#head === this.#planned.length) {
      this.#planned = [];
      this.#head = 0;
    }
    return next.event;
  }
}
