// Each descriptor is registered once, with its owner. An owner is told what happened and takes whatever there is; an
// event of a descriptor that was closed meanwhile reaches nobody.
import { currentSockets } from "../sockets/current.ts";
import { isPortable } from "../sockets/sockets.ts";
import { Epoll } from "./epoll.ts";
import type { Multiplexer } from "./multiplexer.ts";
import { PollSet } from "./poll-set.ts";

/** Who is told of a descriptor. */
export interface Watcher {
  /** `events`: bits of EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR. */
  ready(events: number, fd: number): void;
}

interface Place {
  readonly watcher: Watcher;
  readonly generation: number;
}

export class Poller implements Disposable {
  readonly #multiplexer: Multiplexer;
  readonly #places = new Map<number, Place>();
  #generation = 0;

  /** By epoll, or by poll where this thread's sockets are the portable ones. */
  constructor() {
    const sockets = currentSockets();
    this.#multiplexer = isPortable(sockets) ? new PollSet(sockets) : new Epoll();
  }

  /** Can itself be waited for; -1 in the portable form. */
  get descriptor(): number {
    return this.#multiplexer.descriptor;
  }

  /** 0, or the errno. */
  add(fd: number, watcher: Watcher): number {
    this.#generation = (this.#generation + 1) >>> 0;
    this.#places.set(fd, { watcher, generation: this.#generation });
    return this.#multiplexer.add(fd, this.#generation);
  }

  /** Before the descriptor is closed, or handed to somebody else. */
  remove(fd: number): void {
    if (this.#places.delete(fd)) this.#multiplexer.remove(fd);
  }

  /** Tells the watchers what happened; waits for it up to `timeoutMs`, -1 for as long as it takes. */
  wait(timeoutMs: number): void {
    this.#multiplexer.wait(timeoutMs, (events, fd, generation) => {
      const place = this.#places.get(fd);
      if (place?.generation === generation) place.watcher.ready(events, fd);
    });
  }

  [Symbol.dispose](): void {
    this.#multiplexer[Symbol.dispose]();
  }
}
