// Who waits with poll must know what to wait for: a descriptor is asked about again once there was nothing to read, or
// no room. The calls that find that out tell it here.
import type { Want } from "./sockets.ts";

export const WANT_READ: Want = 1;
export const WANT_WRITE: Want = 4;

type Told = (fd: number, want: Want) => void;

export class Dry {
  readonly #listeners = new Set<Told>();

  /** Until the answer is called. */
  add(told: Told): () => void {
    this.#listeners.add(told);
    return () => this.#listeners.delete(told);
  }

  /** After a read: fewer octets than asked for, or none at all, leave nothing behind. The end is told once. */
  read(fd: number, got: number, asked: number): void {
    if (got !== 0 && got < asked) this.tell(fd, WANT_READ);
  }

  /** After a write. */
  wrote(fd: number, took: number, asked: number): void {
    if (took < asked) this.tell(fd, WANT_WRITE);
  }

  tell(fd: number, want: Want): void {
    for (const told of this.#listeners) told(fd, want);
  }
}
