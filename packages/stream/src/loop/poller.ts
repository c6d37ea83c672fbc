// epoll(7), edge triggered: each descriptor is registered once, with its owner. An owner is told what happened and
// takes whatever there is; an event of a descriptor that was closed meanwhile reaches nobody.
import {
  addressOf,
  closeFile,
  EINTR,
  epollAdd,
  epollRemove,
  epollWait,
  EPOLLET,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  errno,
  openEpoll,
  readWord,
} from "../sys.ts";
import { StreamError } from "../errors.ts";

/** linux/eventpoll.h: packed on x86-64 alone. */
const EVENT_BYTES = process.arch === "x64" ? 12 : 16;
const DATA_AT = EVENT_BYTES - 8;
const EVENTS_MAX = 512;
const EVERYTHING = (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) >>> 0;

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
  readonly #epoll: number;
  readonly #events = new Uint8Array(EVENT_BYTES * EVENTS_MAX);
  readonly #eventsAt: number;
  readonly #places: (Place | undefined)[] = [];
  #generation = 0;

  constructor() {
    this.#epoll = openEpoll();
    if (this.#epoll < 0) throw new StreamError("E_STREAM_SYSTEM", "epoll could not be opened", errno());
    this.#eventsAt = addressOf(this.#events);
  }

  /** Can itself be waited for. */
  get descriptor(): number {
    return this.#epoll;
  }

  /** 0, or the errno. */
  add(fd: number, watcher: Watcher): number {
    this.#generation = (this.#generation + 1) >>> 0;
    const event = new Uint8Array(EVENT_BYTES);
    const view = new DataView(event.buffer);
    view.setUint32(0, EVERYTHING, true);
    view.setUint32(DATA_AT, fd, true);
    view.setUint32(DATA_AT + 4, this.#generation, true);
    this.#places[fd] = { watcher, generation: this.#generation };
    return epollAdd(this.#epoll, fd, event);
  }

  /** Before the descriptor is closed, or handed to somebody else. */
  remove(fd: number): void {
    if (this.#places[fd] === undefined) return;
    this.#places[fd] = undefined;
    epollRemove(this.#epoll, fd);
  }

  /** Tells the watchers what happened; waits for it up to `timeoutMs`, -1 for as long as it takes. */
  wait(timeoutMs: number): void {
    const count = epollWait(this.#epoll, this.#eventsAt, EVENTS_MAX, timeoutMs);
    if (count < 0) {
      const error = errno();
      if (error === EINTR) return;
      throw new StreamError("E_STREAM_SYSTEM", "epoll could not wait", error);
    }
    for (let index = 0; index < count; index += 1) {
      const at = index * EVENT_BYTES;
      const fd = readWord(this.#eventsAt, at + DATA_AT);
      const place = this.#places[fd];
      if (place === undefined || place.generation !== readWord(this.#eventsAt, at + DATA_AT + 4)) continue;
      place.watcher.ready(readWord(this.#eventsAt, at), fd);
    }
  }

  [Symbol.dispose](): void {
    closeFile(this.#epoll);
  }
}
