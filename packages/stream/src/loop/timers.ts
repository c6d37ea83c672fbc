// What is to happen later, in a binary heap by time. Cancelled ones stay until their time comes and then do nothing.

/** Something that will happen unless it is cancelled. */
export interface Timer {
  cancel(): void;
}

interface Entry {
  readonly at: number;
  act: (() => void) | undefined;
}

export class Timers {
  readonly #heap: Entry[] = [];

  /** @param at in milliseconds of the clock that `run` is given */
  set(at: number, act: () => void): Timer {
    const entry: Entry = { at, act };
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
    return { cancel: () => (entry.act = undefined) };
  }

  /** Milliseconds until the next one, rounded up; -1: there is none. */
  wait(now: number): number {
    const [first] = this.#heap;
    return first === undefined ? -1 : Math.max(0, Math.ceil(first.at - now));
  }

  /** Does what is due. */
  run(now: number): void {
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.#drop();
      first.act?.();
    }
  }

  #rise(index: number): void {
    for (let at = index; at > 0;) {
      const above = (at - 1) >> 1;
      if (this.#time(above) <= this.#time(at)) return;
      this.#swap(above, at);
      at = above;
    }
  }

  #drop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const smaller = this.#time(left + 1) < this.#time(left) ? left + 1 : left;
      if (this.#time(smaller) >= this.#time(at)) return;
      this.#swap(smaller, at);
      at = smaller;
    }
  }

  #time(index: number): number {
    return this.#heap[index]?.at ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return;
    this.#heap[a] = second;
    this.#heap[b] = first;
  }
}
