// Descriptors to poll, in memory that stays where it is (sys/poll.h, the same numbers on macOS and every BSD).
//
//   | fd i32 | events i16 | revents i16 | …
import { addressOf } from "@bunnel/ffi";
import type { Calls } from "./sys.ts";

export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLERR = 8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;

export class PollSet {
  readonly #words: Int32Array;
  readonly #address: number;

  constructor(
    readonly calls: Calls,
    readonly places: number,
  ) {
    this.#words = new Int32Array(new ArrayBuffer(places * 8));
    this.#address = addressOf(this.#words);
    for (let place = 0; place < places; place++) this.set(place, -1);
  }

  /** Waits for POLL* `events` at `fd`; -1: the place is empty and the system passes over it. */
  set(place: number, fd: number, events = POLLIN): void {
    this.#words[place * 2] = fd;
    this.#words[place * 2 + 1] = events;
  }

  /** What poll found at a place: POLL* bits. */
  found(place: number): number {
    return (this.#words[place * 2 + 1] ?? 0) >>> 16;
  }

  /** How many of the first `places` are ready, or -1 and errno. */
  poll(timeoutMs: number, places = this.places): number {
    return this.calls.poll(this.#address, places, timeoutMs);
  }
}
