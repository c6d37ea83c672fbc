// epoll(7), edge triggered.
import { StreamError } from "../errors.ts";
import {
  addressOf,
  closeFile,
  EINTR,
  EPOLL_EVENT_BYTES,
  epollAdd,
  EPOLLET,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  epollRemove,
  epollWait,
  errno,
  openEpoll,
  readWord,
} from "../sys.ts";
import type { Happened, Multiplexer } from "./multiplexer.ts";

const DATA_AT = EPOLL_EVENT_BYTES - 8;
const EVENTS_MAX = 512;
const EVERYTHING = (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) >>> 0;

export class Epoll implements Multiplexer {
  readonly descriptor: number;
  readonly #events = new Uint8Array(EPOLL_EVENT_BYTES * EVENTS_MAX);
  readonly #eventsAt: number;

  constructor() {
    this.descriptor = openEpoll();
    if (this.descriptor < 0) throw new StreamError("E_STREAM_SYSTEM", "epoll could not be opened", errno());
    this.#eventsAt = addressOf(this.#events);
  }

  add(fd: number, generation: number): number {
    const event = new Uint8Array(EPOLL_EVENT_BYTES);
    const view = new DataView(event.buffer);
    view.setUint32(0, EVERYTHING, true);
    view.setUint32(DATA_AT, fd, true);
    view.setUint32(DATA_AT + 4, generation, true);
    return epollAdd(this.descriptor, fd, event);
  }

  remove(fd: number): void {
    epollRemove(this.descriptor, fd);
  }

  wait(timeoutMs: number, happened: Happened): void {
    const count = epollWait(this.descriptor, this.#eventsAt, EVENTS_MAX, timeoutMs);
    if (count < 0) {
      const error = errno();
      if (error === EINTR) return;
      throw new StreamError("E_STREAM_SYSTEM", "epoll could not wait", error);
    }
    for (let index = 0; index < count; index += 1) {
      const at = index * EPOLL_EVENT_BYTES;
      const fd = readWord(this.#eventsAt, at + DATA_AT);
      happened(readWord(this.#eventsAt, at), fd, readWord(this.#eventsAt, at + DATA_AT + 4));
    }
  }

  [Symbol.dispose](): void {
    closeFile(this.descriptor);
  }
}
