// The memory that the waiting thread and those who wait for it share.
//
//   | turn i32 | place 0 i32 | place 1 | …      -1: the place is empty
//
// A place holds a descriptor, with a bit for those that wait for room to write.

/** Descriptors that one thread can wait for at a time. */
export const PLACES_MAX = 256;
/** What a place holds beside the descriptor: it waits for room to write, not for something to read. */
export const TO_WRITE = 1 << 30;
const TURN = 0;
const FIRST = 1;
const EMPTY = -1;
/** A turn ends as soon as the pipe is raised; a thread that does not come by in this time has stopped. */
const TURN_TIMEOUT_MS = 200;

export class ReadinessPlaces {
  readonly #words: Int32Array;

  constructor(readonly shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared);
  }

  static create(): ReadinessPlaces {
    const places = new ReadinessPlaces(new SharedArrayBuffer((FIRST + PLACES_MAX) * 4));
    places.#words.fill(EMPTY, FIRST);
    return places;
  }

  /** The place that now holds `wish`; -1: all are taken. */
  put(wish: number): number {
    for (let place = 0; place < PLACES_MAX; place++) {
      if (Atomics.compareExchange(this.#words, FIRST + place, EMPTY, wish) === EMPTY) return place;
    }
    return EMPTY;
  }

  at(place: number): number {
    return Atomics.load(this.#words, FIRST + place);
  }

  /** Empties a place if it still holds `wish`. */
  take(place: number, wish: number): boolean {
    return Atomics.compareExchange(this.#words, FIRST + place, wish, EMPTY) === wish;
  }

  turn(): number {
    return Atomics.load(this.#words, TURN);
  }

  /** Tells that a new turn starts: what was taken before it is not waited for any more. */
  startTurn(): void {
    Atomics.add(this.#words, TURN, 1);
    Atomics.notify(this.#words, TURN);
  }

  /** Blocks until a turn later than `turn` has started. */
  awaitTurnAfter(turn: number): void {
    Atomics.wait(this.#words, TURN, turn, TURN_TIMEOUT_MS);
  }
}
