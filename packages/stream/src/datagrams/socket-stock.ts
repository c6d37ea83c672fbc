// UDP sockets that another thread has opened and marked, because this one has no right to: a few are kept, and more are
// asked for in time.
import { closeFile } from "../sys.ts";

/** Sockets of a family that are kept ready. */
export const STOCK = 32;

export class SocketStock implements Disposable {
  readonly #ready: number[] = [];
  #asked = 0;

  /** @param want asks for so many more */
  constructor(private readonly want: (count: number) => void) {}

  get isEmpty(): boolean {
    return this.#ready.length === 0;
  }

  /** Whether some are on their way. */
  get isAwaited(): boolean {
    return this.#asked > 0;
  }

  /** Sockets that were asked for are there, or fewer where the system had no more. */
  add(asked: number, descriptors: readonly number[]): void {
    this.#asked -= asked;
    this.#ready.push(...descriptors);
  }

  /** One of them, or -1. */
  take(): number {
    const fd = this.#ready.pop() ?? -1;
    this.keep(0);
    return fd;
  }

  /** Asks for what is missing, and for `more` who wait. */
  keep(more: number): void {
    const missing = STOCK + more - this.#ready.length - this.#asked;
    if (missing < STOCK / 2 && more === 0) return;
    if (missing <= 0) return;
    this.#asked += missing;
    this.want(missing);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#ready.splice(0)) closeFile(fd);
  }
}
