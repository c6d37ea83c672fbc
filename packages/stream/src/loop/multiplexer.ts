// Waiting for many descriptors at once: by epoll where there is one, by poll elsewhere.

/** What happened to a descriptor: bits of EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR. */
export type Happened = (events: number, fd: number, generation: number) => void;

/** Each descriptor is told once that there is something to read, or room, until there is none. */
export interface Multiplexer extends Disposable {
  /** Can itself be waited for; -1 where nothing can. */
  readonly descriptor: number;
  /** `generation` tells descriptors of the same number apart. 0, or the errno. */
  add(fd: number, generation: number): number;
  remove(fd: number): void;
  /** Waits up to `timeoutMs`, -1 for as long as it takes, and tells. */
  wait(timeoutMs: number, happened: Happened): void;
}
