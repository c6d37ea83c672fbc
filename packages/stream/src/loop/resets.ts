// Connections that end by a reset. It is sent once, and one that finds a queue full is lost for good: its client would
// wait for an answer that never comes. Those of translated connections go into the device, whose queue has a thousand
// packets; so they are sent no faster than they are read there.
import { closeFile, setAbort } from "../sockets/current.ts";

/** Descriptors, of which each flow has two. */
export const RESETS_AT_ONCE = 128;
const EVERY_MS = 1;

/** The resets of one relay. */
export class Resets {
  /** Descriptors whose connections are to be reset, in order. */
  readonly #waiting: number[] = [];
  #sent = 0;
  #isTimed = false;

  constructor(
    private readonly later: (ms: number, act: () => void) => void,
    private readonly reset: (fd: number) => void = abort,
  ) {}

  /** Resets a connection, soon. The descriptor is not the caller's any more. */
  send(fd: number): void {
    this.#waiting.push(fd);
    this.#work();
  }

  /** Resets all that wait, and returns when that is done. */
  finish(): void {
    while (this.#waiting.length > 0) {
      this.#sent = 0;
      this.#sendSome();
      Bun.sleepSync(EVERY_MS);
    }
  }

  #work(): void {
    this.#sendSome();
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.later(EVERY_MS, () => {
      this.#isTimed = false;
      this.#sent = 0;
      if (this.#waiting.length > 0) this.#work();
    });
  }

  #sendSome(): void {
    const count = Math.min(RESETS_AT_ONCE - this.#sent, this.#waiting.length);
    this.#sent += count;
    for (const fd of this.#waiting.splice(0, count)) this.reset(fd);
  }
}

function abort(fd: number): void {
  setAbort(fd, true);
  closeFile(fd);
}
