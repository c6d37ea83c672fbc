// Virtual time: next comes what was planned for the earliest moment, and of one moment what was planned first.
//
// A path has a handful of packets under way, so a row in order is as good as a heap; moments and events stand in rows
// of their own, and the room of those that are over is used again, so that planning makes no objects.

export class EventQueue<Event> {
  /** In order of time, then of planning, from `#head` up to `#end`. */
  readonly #times: number[] = [];
  readonly #events: (Event | undefined)[] = [];
  #head = 0;
  #end = 0;

  /** When the next event is due; undefined: nothing is planned. */
  get nextMs(): number | undefined {
    return this.#head < this.#end ? this.#times[this.#head] : undefined;
  }

  plan(atMs: number, event: Event): void {
    const times = this.#times;
    const events = this.#events;
    let place = this.#end;
    this.#end += 1;
    // Most events are the latest of all, or stand close to the end.
    for (; place > this.#head && (times[place - 1] ?? 0) > atMs; place -= 1) {
      times[place] = times[place - 1] ?? 0;
      events[place] = events[place - 1];
    }
    times[place] = atMs;
    events[place] = event;
  }

  /** Takes the next event out. */
  take(): Event | undefined {
    if (this.#head === this.#end) return undefined;
    const event = this.#events[this.#head];
    this.#events[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#end) this.#head = this.#end = 0;
    return event;
  }
}
